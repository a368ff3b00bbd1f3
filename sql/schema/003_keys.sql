-- Keys of any type: where a job begins, and how far its closing sweeps are.
ALTER TABLE backfill_jobs
    ADD COLUMN after_key text,                        -- only records behind this one, when the job was opened with --after
    ADD COLUMN sweep smallint NOT NULL DEFAULT 0,     -- which closing sweep is under way, or was the last one
    ADD COLUMN sweep_ended boolean NOT NULL DEFAULT false,
    ADD COLUMN sweep_cursor text,                     -- everything up to here is swept
    ADD COLUMN sweep_partition text NOT NULL DEFAULT '',  -- the producer's partitions up to here are behind the cursor
    ADD COLUMN sweep_found bigint NOT NULL DEFAULT 0,
    ADD COLUMN records_left bigint NOT NULL DEFAULT 0;    -- matched when the last sweep counted, and are in no partition
ALTER TABLE backfill_partitions
    ADD COLUMN sweep smallint NOT NULL DEFAULT 0;     -- which closing sweep found it; 0: the producer
CREATE INDEX backfill_partitions_swept_idx ON backfill_partitions (backfill_job_id) WHERE sweep > 0;

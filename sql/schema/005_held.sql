-- What keeps a partition from going on: a lock that somebody else holds, which is no attempt.
-- oldest program: 3
ALTER TABLE backfill_partitions
    ADD COLUMN held_since timestamptz,                -- NULL: nothing does
    ADD COLUMN held_reason text;                      -- what for, and who has it, as far as that is known
CREATE INDEX backfill_partitions_held_idx ON backfill_partitions (backfill_job_id) WHERE held_since IS NOT NULL;

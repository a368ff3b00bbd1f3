-- Workers are asked to stop through the ledger: each reads it at its heartbeat, drains and ends. And a batch has one
-- largest size, that of `backfill-queue`.
-- oldest program: 3
ALTER TABLE backfill_workers
    ADD COLUMN stop_requested_at timestamptz,         -- NULL: nobody has asked
    ADD COLUMN stop_requested_by text;
ALTER TABLE backfill_jobs
    DROP CONSTRAINT backfill_jobs_batch_size_check,
    ADD CONSTRAINT backfill_jobs_batch_size_check CHECK (batch_size BETWEEN 1 AND 10000) NOT VALID;

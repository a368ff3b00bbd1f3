-- Passes over what still matches, how much of the table had a value before each, and what a definition does before a job.
-- oldest program: 3
ALTER TABLE backfill_jobs
    ADD COLUMN pass_number integer,               -- of the passes that began with that job; NULL: a job by itself
    ADD COLUMN first_job_id uuid,                 -- of its passes; the first one's own id is its own
    ADD COLUMN scope_records bigint,              -- records in scope when the pass was opened
    ADD COLUMN scope_covered bigint,              -- of those the ones that had a value
    ADD COLUMN scope_is_estimate boolean,
    ADD COLUMN before_job_at timestamptz,         -- when before_job of its definition was done; NULL: not, or it has none
    ADD CONSTRAINT backfill_jobs_pass_check CHECK (
        pass_number > 0 AND first_job_id IS NOT NULL OR pass_number IS NULL AND first_job_id IS NULL);
CREATE UNIQUE INDEX backfill_jobs_pass_idx ON backfill_jobs (first_job_id, pass_number);

-- Workers that may start a job today mark what was done before it: `init --roles` need not come first.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_worker')
       AND has_column_privilege('backfill_worker', 'backfill_jobs', 'started_at', 'UPDATE') THEN
        GRANT UPDATE (before_job_at) ON backfill_jobs TO backfill_worker;
    END IF;
END
$$;

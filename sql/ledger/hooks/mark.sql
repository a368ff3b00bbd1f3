-- What comes before a job was done in this transaction; no row where the job has ended meanwhile.
-- $1 job
UPDATE backfill_jobs SET before_job_at = clock_timestamp()
WHERE id = $1 AND before_job_at IS NULL AND completed_at IS NULL
RETURNING id

-- Pause a running job.
-- $1 job, $2 version or NULL
UPDATE backfill_jobs SET state = 'paused', paused_at = clock_timestamp(), version = version + 1
WHERE id = $1 AND state = 'running' AND ($2::integer IS NULL OR version = $2)
RETURNING id

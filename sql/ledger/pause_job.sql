-- Pause a running job.
-- $1 job
UPDATE backfill_jobs SET state = 'paused', paused_at = clock_timestamp(), version = version + 1
WHERE id = $1 AND state = 'running'
RETURNING id

-- Pause a running job.
-- $1 job, $2 version or NULL
UPDATE backfill_jobs SET state = 'paused', paused_at = clock_timestamp(), estimated_completion_at = NULL,
    earliest_completion_at = NULL, latest_completion_at = NULL, version = version + 1
WHERE id = $1 AND state = 'running' AND ($2::integer IS NULL OR version = $2)
RETURNING id

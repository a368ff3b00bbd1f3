-- Pause a job of which partitions could start.
-- $1 job, $2 version, $3 cause: all, definition, or NULL for this job alone
UPDATE backfill_jobs SET state = 'paused', paused_at = clock_timestamp(), pause_cause = $3, version = version + 1
WHERE id = $1 AND state IN ('pending', 'running', 'resuming') AND version = $2
RETURNING id

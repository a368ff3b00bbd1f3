-- How long a slot rests after a partition of an active job.
-- $1 job
SELECT pause_ms FROM backfill_jobs WHERE id = $1 AND state IN ('pending', 'running', 'paused', 'resuming')

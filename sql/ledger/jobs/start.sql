-- The first claim makes a pending or resuming job running.
-- $1 job
UPDATE backfill_jobs SET state = 'running', started_at = coalesce(started_at, clock_timestamp()),
    running_since = clock_timestamp(), heartbeat_at = clock_timestamp(), version = version + 1
WHERE id = $1 AND state IN ('pending', 'resuming')
RETURNING id

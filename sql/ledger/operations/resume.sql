-- Let a paused job go on; the next claim makes it running.
-- $1 job, $2 version
UPDATE backfill_jobs SET state = 'resuming', heartbeat_at = clock_timestamp(), version = version + 1
WHERE id = $1 AND state = 'paused' AND version = $2
RETURNING id

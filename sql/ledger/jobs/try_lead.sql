-- Take over the planning of an active job, unless a live producer has it.
-- $1 job, $2 producer, $3 lease in seconds
UPDATE backfill_jobs SET producer_id = $2, producer_lease_until = clock_timestamp() + make_interval(secs => $3),
    heartbeat_at = clock_timestamp()
WHERE id = $1 AND state IN ('pending', 'running', 'paused', 'resuming')
  AND (producer_id = $2 OR producer_lease_until IS NULL OR producer_lease_until < clock_timestamp())
RETURNING *

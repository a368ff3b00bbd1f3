-- Keep the planning of an active job that this producer leads; what it has given back it does not take again.
-- $1 job, $2 producer, $3 lease in seconds
UPDATE backfill_jobs SET producer_lease_until = clock_timestamp() + make_interval(secs => $3),
    heartbeat_at = clock_timestamp()
WHERE id = $1 AND producer_id = $2 AND producer_lease_until IS NOT NULL
  AND state IN ('pending', 'running', 'paused', 'resuming')
RETURNING id

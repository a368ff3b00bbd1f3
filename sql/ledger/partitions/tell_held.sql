-- Say what holds a partition up while its claim is kept.
-- $1 partition id, $2 fence, $3 worker, $4 what holds it
UPDATE backfill_partitions SET held_since = coalesce(held_since, clock_timestamp()), held_reason = $4
WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'

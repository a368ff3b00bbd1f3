-- Nothing holds a partition up any more that was held for that reason and whose claim is kept.
-- $1 partition id, $2 fence, $3 worker, $4 what held it
UPDATE backfill_partitions SET held_since = NULL, held_reason = NULL
WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running' AND held_reason = $4

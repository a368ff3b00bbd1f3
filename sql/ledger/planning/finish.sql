-- Say that every matching record is in a partition.
-- $1 job, $2 producer
UPDATE backfill_jobs SET planned_at = coalesce(planned_at, clock_timestamp())
WHERE id = $1 AND producer_id = $2 AND state IN ('pending', 'running', 'paused', 'resuming')
RETURNING id

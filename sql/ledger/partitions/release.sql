-- Give a claim back that was no attempt: the worker is stopping, or a service is away.
-- $1 partition id, $2 fence, $3 worker
UPDATE backfill_partitions SET state = 'pending', lease_expires_at = NULL, attempt_count = attempt_count - 1
WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'
RETURNING id

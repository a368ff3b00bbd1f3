-- Keep the partitions in hand; those that do not come back are lost to another worker.
-- $1 partition ids, $2 fences, $3 worker, $4 lease in seconds
UPDATE backfill_partitions p SET lease_expires_at = clock_timestamp() + make_interval(secs => $4)
FROM unnest($1::bigint[], $2::bigint[]) AS held (id, fence)
WHERE p.id = held.id AND p.fence = held.fence AND p.worker_id = $3 AND p.state = 'running'
RETURNING p.id

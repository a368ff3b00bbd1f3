-- Keep the partitions in hand. One whose row is locked is being applied: nobody else can take it meanwhile, and
-- waiting for it would hold the others up.
-- $1 partition ids, $2 fences, $3 worker, $4 lease in seconds
WITH held AS (
    SELECT p.id FROM backfill_partitions p JOIN unnest($1::bigint[], $2::bigint[]) AS h (id, fence) USING (id)
    WHERE p.fence = h.fence AND p.worker_id = $3 AND p.state = 'running'
    FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE backfill_partitions p SET lease_expires_at = clock_timestamp() + make_interval(secs => $4)
FROM held WHERE p.id = held.id
RETURNING p.id

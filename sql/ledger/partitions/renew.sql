-- Keep the partitions in hand, also those whose claim has not been answered yet: the answer may wait behind a
-- computation. One whose row is locked is being applied: nobody else can take it meanwhile, and waiting for it would
-- hold the others up.
-- $1 jobs, $2 their partition keys, $3 worker, $4 lease in seconds
WITH held AS (
    SELECT p.id FROM backfill_partitions p JOIN unnest($1::uuid[], $2::text[]) AS h (job, partition)
        ON p.backfill_job_id = h.job AND p.partition_key = h.partition
    WHERE p.worker_id = $3 AND p.state = 'running'
    FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE backfill_partitions p SET lease_expires_at = clock_timestamp() + make_interval(secs => $4)
FROM held WHERE p.id = held.id

-- Take running partitions from workers: those whose lease ended or whose worker has gone, or all of them. What is taken
-- from a worker that lives was no attempt.
-- $1 job, $2 whether all of them
WITH taken AS (
    SELECT t.id, t.lease_expires_at >= clock_timestamp() AND EXISTS (
        SELECT FROM backfill_workers w WHERE w.id = t.worker_id AND backfill_is_alive(w)) AS is_held
    FROM backfill_partitions t WHERE t.backfill_job_id = $1 AND t.state = 'running' AND t.completed_at IS NULL
)
UPDATE backfill_partitions p SET state = 'pending', lease_expires_at = NULL, published_at = NULL, not_before = NULL,
    fence = nextval('backfill_fence_seq'), attempt_count = greatest(attempt_count - is_held::integer, 0)
FROM taken WHERE p.id = taken.id AND p.state = 'running' AND ($2 OR NOT is_held)
RETURNING p.partition_key

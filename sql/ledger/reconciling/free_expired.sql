-- Partitions whose worker has gone, perhaps by their doing: pending again, to be published anew. One whose row is locked
-- is being applied. What this worker has itself may be renewed by it yet, after a moment in which all of it stood still:
-- it is left alone for another lease.
-- $1 asset names, $2 this worker, $3 its lease in seconds
WITH expired AS (
    SELECT p.id FROM backfill_partitions p JOIN backfill_jobs j ON j.id = p.backfill_job_id
    WHERE j.tenant_id = backfill_tenant() AND j.asset_name = ANY ($1)
      AND p.state = 'running' AND p.completed_at IS NULL AND p.lease_expires_at < clock_timestamp()
          - CASE WHEN p.worker_id = $2 THEN make_interval(secs => $3) ELSE interval '0' END
    FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE backfill_partitions p SET state = 'pending', lease_expires_at = NULL, published_at = NULL, not_before = NULL,
    interruptions = interruptions + 1
FROM expired WHERE p.id = expired.id
RETURNING p.backfill_job_id, p.partition_key

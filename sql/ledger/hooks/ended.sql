-- A partition that has ended under this claim.
-- $1 partition id, $2 fence, $3 worker
SELECT backfill_job_id AS job_id, partition_key, state, record_ids AS keys, records_updated AS updated,
       records_unchanged AS unchanged, records_skipped AS skipped, records_failed AS failed, records_deleted AS deleted
FROM backfill_partitions WHERE id = $1 AND fence = $2 AND worker_id = $3 AND completed_at IS NOT NULL

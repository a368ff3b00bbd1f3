-- A partition of a job with its records, and those of them that are left.
-- $1 job, $2 partition
SELECT p.partition_key, p.state, p.attempt_count, p.record_count, p.records_updated AS updated,
       p.records_unchanged AS unchanged, p.records_skipped AS skipped, p.records_failed AS failed,
       p.records_deleted AS deleted, p.duration_ms, p.worker_id AS worker, w.host, w.pid, p.started_at, p.completed_at,
       p.not_before, p.held_since, p.held_reason, p.error_message, p.record_ids, p.remaining_ids
FROM backfill_partitions p LEFT JOIN backfill_workers w ON w.id = p.worker_id
WHERE p.backfill_job_id = $1 AND p.partition_key = $2

-- Give a partition up: what is left of it is listed as failed, record by record.
-- $1 partition id, $2 fence, $3 worker, $4 error class, $5 error message
WITH failed AS (
    UPDATE backfill_partitions p SET state = 'failed', lease_expires_at = NULL, not_before = NULL,
        held_since = NULL, held_reason = NULL, error_message = $5, completed_at = clock_timestamp(),
        retried_failed = retried_failed + coalesce(cardinality(retried_ids), 0), retried_ids = NULL,
        records_failed = records_failed + cardinality(coalesce(remaining_ids, record_ids))
    WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'
    RETURNING p.*
)
INSERT INTO backfill_failures (tenant_id, backfill_job_id, partition_key, record_id, error_class, error_message, attempts)
SELECT tenant_id, backfill_job_id, partition_key, unnest(coalesce(remaining_ids, record_ids)), $4, $5, attempt_count
FROM failed
ON CONFLICT (backfill_job_id, record_id) DO UPDATE SET error_class = excluded.error_class,
    error_message = excluded.error_message, attempts = excluded.attempts, failed_at = clock_timestamp()
RETURNING partition_key

-- List records that failed on their own while their neighbours were written.
-- $1 partition id, $2 record ids, $3 error classes, $4 error messages
INSERT INTO backfill_failures (tenant_id, backfill_job_id, partition_key, record_id, error_class, error_message, attempts)
SELECT p.tenant_id, p.backfill_job_id, p.partition_key, f.record_id, f.error_class, f.error_message, p.attempt_count
FROM backfill_partitions p, unnest($2::text[], $3::text[], $4::text[]) AS f (record_id, error_class, error_message)
WHERE p.id = $1
ON CONFLICT (backfill_job_id, record_id) DO UPDATE SET error_class = excluded.error_class,
    error_message = excluded.error_message, attempts = excluded.attempts, failed_at = clock_timestamp()

-- A page of the failed records of a job, the newest first.
-- $1 job, $2 the last id of the page before, or NULL, $3 most rows
SELECT id, record_id, partition_key, error_class, error_message, attempts, failed_at FROM backfill_failures
WHERE backfill_job_id = $1 AND id < coalesce($2, 9223372036854775807)
ORDER BY id DESC LIMIT $3

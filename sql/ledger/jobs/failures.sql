-- The failed records of a job.
-- $1 job, $2 most rows
SELECT record_id, partition_key, error_class, error_message, attempts, failed_at
FROM backfill_failures WHERE backfill_job_id = $1 ORDER BY partition_key, id LIMIT $2

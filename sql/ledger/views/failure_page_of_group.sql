-- A page of those failed records of a job whose messages have one shape, the newest first, of so many that are looked at.
-- $1 job, $2 the last id of the page before, or NULL, $3 most rows, $4 error class, or NULL, $5 shape of the message,
-- $6 most failed records
SELECT id, record_id, partition_key, error_class, error_message, attempts, failed_at FROM (
    SELECT * FROM backfill_failures
    WHERE backfill_job_id = $1 AND ($4::text IS NULL OR error_class = $4)
      AND id < coalesce($2, 9223372036854775807)
    ORDER BY id DESC LIMIT $6
) f
WHERE backfill_failure_pattern(error_message) = $5 ORDER BY id DESC LIMIT $3

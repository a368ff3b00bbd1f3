-- The failed records of a partition, which are found by their keys.
-- $1 job, $2 partition, $3 most rows
SELECT f.id, f.record_id, f.partition_key, f.error_class, f.error_message, f.attempts, f.failed_at
FROM backfill_partitions p CROSS JOIN unnest(p.record_ids) AS r (id)
    JOIN backfill_failures f ON f.backfill_job_id = $1 AND f.record_id = r.id AND f.partition_key = p.partition_key
WHERE p.backfill_job_id = $1 AND p.partition_key = $2
ORDER BY f.id LIMIT $3

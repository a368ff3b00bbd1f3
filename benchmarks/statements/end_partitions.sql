-- The next partitions of a job end, as if a worker had done them.
-- $1 job, $2 how many
UPDATE backfill_partitions SET state = 'completed', records_updated = record_count, started_at = clock_timestamp(),
    completed_at = clock_timestamp(), duration_ms = 20
WHERE id IN (
    SELECT id FROM backfill_partitions WHERE backfill_job_id = $1 AND state IN ('pending', 'running')
    ORDER BY partition_key LIMIT $2)

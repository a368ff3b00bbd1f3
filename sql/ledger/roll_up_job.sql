-- Bring the counts on the job row up to date from its partitions.
-- $1 job
WITH sums AS (
    SELECT count(*) AS total,
           count(*) FILTER (WHERE state = 'completed') AS completed,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           count(*) FILTER (WHERE state = 'skipped') AS skipped,
           coalesce(sum(record_count), 0) AS matched,
           coalesce(sum(records_updated), 0) AS updated,
           coalesce(sum(records_unchanged), 0) AS unchanged,
           coalesce(sum(records_skipped), 0) AS records_skipped,
           coalesce(sum(records_failed), 0) AS records_failed,
           coalesce(sum(records_deleted), 0) AS deleted,
           min(partition_key) FILTER (WHERE state IN ('pending', 'running')) AS first_open,
           max(partition_key) AS last
    FROM backfill_partitions WHERE backfill_job_id = $1
)
UPDATE backfill_jobs SET total_partitions = sums.total, completed_partitions = sums.completed,
    failed_partitions = sums.failed, skipped_partitions = sums.skipped, records_matched = sums.matched,
    records_updated = sums.updated, records_unchanged = sums.unchanged, records_skipped = sums.records_skipped,
    records_failed = sums.records_failed, records_deleted = sums.deleted,
    checkpoint_partition_key = CASE
        WHEN sums.first_open IS NULL THEN sums.last
        ELSE (SELECT max(partition_key) FROM backfill_partitions
              WHERE backfill_job_id = $1 AND partition_key < sums.first_open) END,
    heartbeat_at = clock_timestamp()
FROM sums
WHERE id = $1
RETURNING planned_at IS NOT NULL AND sums.first_open IS NULL AS ended

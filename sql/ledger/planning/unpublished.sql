-- Planned partitions that no producer has published, in order of work.
-- $1 job, $2 most rows
SELECT backfill_job_id AS job_id, (SELECT mode FROM backfill_jobs WHERE id = $1) AS mode, partition_key, attempt_count,
       coalesce(remaining_ids, record_ids) AS record_ids
FROM backfill_partitions
WHERE backfill_job_id = $1 AND state = 'pending' AND published_at IS NULL AND not_before IS NULL
ORDER BY partition_key LIMIT $2

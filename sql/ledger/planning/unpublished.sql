-- Planned partitions that no producer has published, in order of work.
-- $1 job, $2 most rows
SELECT j.id AS job_id, j.mode, p.partition_key, p.attempt_count, coalesce(p.remaining_ids, p.record_ids) AS record_ids
FROM backfill_partitions p JOIN backfill_jobs j ON j.id = p.backfill_job_id
WHERE j.id = $1 AND p.state = 'pending' AND p.published_at IS NULL AND p.not_before IS NULL
ORDER BY p.partition_key LIMIT $2

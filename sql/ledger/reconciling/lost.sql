-- Pending partitions to publish again: never published though their producer has gone, or the oldest of those whose
-- message is missing from the queue.
-- $1 asset name, $2 priority, $3 grace in seconds, $4 how many messages are missing, $5 most rows
(SELECT j.id AS job_id, j.mode, p.partition_key, p.attempt_count, coalesce(p.remaining_ids, p.record_ids) AS record_ids
 FROM backfill_partitions p JOIN backfill_jobs j ON j.id = p.backfill_job_id
 WHERE j.tenant_id = backfill_tenant() AND j.asset_name = $1 AND j.priority = $2
   AND j.state IN ('pending', 'running', 'resuming')
   AND p.state = 'pending' AND p.published_at IS NULL AND (p.not_before IS NULL OR p.not_before < clock_timestamp())
   AND (j.producer_lease_until IS NULL OR j.producer_lease_until < clock_timestamp() OR p.fence IS NOT NULL)
 ORDER BY p.partition_key LIMIT $5)
UNION ALL
(SELECT j.id, j.mode, p.partition_key, p.attempt_count, coalesce(p.remaining_ids, p.record_ids)
 FROM backfill_partitions p JOIN backfill_jobs j ON j.id = p.backfill_job_id
 WHERE j.tenant_id = backfill_tenant() AND j.asset_name = $1 AND j.priority = $2
   AND j.state IN ('pending', 'running', 'resuming')
   AND p.state = 'pending' AND p.published_at IS NOT NULL
   AND greatest(p.published_at, p.not_before) < clock_timestamp() - make_interval(secs => $3)
 ORDER BY greatest(p.published_at, p.not_before) LIMIT least($4::bigint, $5))

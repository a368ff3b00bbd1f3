-- How many messages the queue of this class can lack at most: as many as partitions have not ended, as the jobs' rows say,
-- which know of ends a moment later, and of what is planned at once.
-- $1 asset name, $2 priority
SELECT coalesce(sum(total_partitions - completed_partitions - failed_partitions - skipped_partitions), 0)::bigint
FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = $1 AND priority = $2 AND state IN ('pending', 'running', 'resuming')

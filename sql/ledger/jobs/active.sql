-- Active jobs of these backfills, oldest first.
-- $1 asset names
SELECT id, asset_name, mode, state, priority, batch_size, sort_order, record_limit, record_ids IS NOT NULL AS by_id, upper_key,
       planned_at IS NOT NULL AS planned, records_matched
FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = ANY ($1)
  AND state IN ('pending', 'running', 'paused', 'resuming')
ORDER BY created_at

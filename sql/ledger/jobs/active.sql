-- Active jobs of these backfills, oldest first.
-- $1 asset names
SELECT id, asset_name AS backfill, mode, state, priority, sort_order, batch_size, record_limit,
       record_ids IS NOT NULL AS by_id, after_key, upper_key, cursor_key, definition_hash, former_definition_hashes,
       parameters, idempotency_key, planned_at, completed_at, producer_lease_until, version,
       pause_cause, error_message, completed_partitions, total_partitions, records_matched
FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = ANY ($1)
  AND state IN ('pending', 'running', 'paused', 'resuming')
ORDER BY created_at

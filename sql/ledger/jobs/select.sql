-- Jobs for a bulk operation, oldest first.
-- $1 states, $2 asset name or NULL, $3 seconds without a heartbeat or NULL, $4 seconds since their end or NULL; more than
-- 3,000 years are so many
SELECT id, asset_name AS backfill, mode, state, priority, sort_order, batch_size, record_limit,
       record_ids IS NOT NULL AS by_id, after_key, upper_key, cursor_key, definition_hash, former_definition_hashes,
       parameters, idempotency_key, planned_at, completed_at, producer_lease_until, version,
       pause_cause, error_message, completed_partitions, total_partitions, records_matched
FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND state = ANY ($1) AND ($2::text IS NULL OR asset_name = $2)
  AND ($3::float8 IS NULL
       OR coalesce(heartbeat_at, created_at) < clock_timestamp() - make_interval(secs => least($3, 1e11)))
  AND ($4::float8 IS NULL OR completed_at < clock_timestamp() - make_interval(secs => least($4, 1e11)))
ORDER BY created_at

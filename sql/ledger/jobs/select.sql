-- Jobs for a bulk operation, oldest first.
-- $1 states, $2 asset name or NULL, $3 seconds without a heartbeat or NULL
SELECT id, asset_name, state, version, completed_partitions, total_partitions, heartbeat_at, pause_cause
FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND state = ANY ($1) AND ($2::text IS NULL OR asset_name = $2)
  AND ($3::float8 IS NULL
       OR coalesce(heartbeat_at, created_at) < clock_timestamp() - make_interval(secs => $3))
ORDER BY created_at

-- How many messages live workers of a backfill may hold unacknowledged.
-- $1 asset name, $2 age of a heartbeat in seconds that still counts as alive
SELECT coalesce(sum(prefetch), 0)::bigint FROM backfill_workers
WHERE tenant_id = backfill_tenant() AND $1 = ANY (backfills) AND stopped_at IS NULL
  AND heartbeat_at > clock_timestamp() - make_interval(secs => $2)

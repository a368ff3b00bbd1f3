-- How many messages live workers of a backfill may hold unacknowledged.
-- $1 asset name
SELECT coalesce(sum(prefetch), 0)::bigint FROM backfill_workers w
WHERE tenant_id = backfill_tenant() AND $1 = ANY (backfills) AND backfill_is_alive(w)

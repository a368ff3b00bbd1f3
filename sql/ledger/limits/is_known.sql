-- Whether there is such a limit.
-- $1 limit
SELECT EXISTS (SELECT FROM backfill_limits WHERE tenant_id = backfill_tenant() AND name = $1)

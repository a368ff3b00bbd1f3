-- A worker ends: its shares are for others.
-- $1 worker
DELETE FROM backfill_limit_shares WHERE tenant_id = backfill_tenant() AND worker_id = $1

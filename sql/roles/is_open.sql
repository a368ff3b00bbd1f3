-- Whether every role that belongs to no tenant belongs to that one.
-- $1 tenant
SELECT EXISTS (SELECT FROM backfill_tenants WHERE tenant_id = $1 AND role = 'public')

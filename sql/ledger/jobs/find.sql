-- Jobs whose id begins so; two are enough to know that a beginning is not unique.
-- $1 beginning of an id
SELECT id FROM backfill_jobs WHERE tenant_id = backfill_tenant() AND id::text LIKE $1 || '%'
ORDER BY created_at DESC LIMIT 2

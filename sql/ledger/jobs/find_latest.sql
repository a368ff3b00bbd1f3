-- The job that was opened last.
SELECT id FROM backfill_jobs WHERE tenant_id = backfill_tenant() ORDER BY created_at DESC LIMIT 1

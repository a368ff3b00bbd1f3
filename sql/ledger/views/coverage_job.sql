-- The newest job of a backfill for which it was counted how many records have a value.
-- $1 asset name
SELECT id FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = $1 AND scope_records IS NOT NULL
ORDER BY created_at DESC LIMIT 1

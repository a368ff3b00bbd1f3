-- Jobs, newest first.
-- $1 state or NULL, $2 asset name or NULL, $3 most rows
SELECT * FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR asset_name = $2)
ORDER BY created_at DESC LIMIT $3

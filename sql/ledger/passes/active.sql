-- The pass of a backfill that is active, for the same mode and parameters.
-- $1 asset name, $2 mode, $3 parameters
SELECT id FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = $1 AND mode = $2 AND parameters = $3::text::jsonb
  AND pass_number IS NOT NULL AND completed_at IS NULL
ORDER BY created_at DESC LIMIT 1

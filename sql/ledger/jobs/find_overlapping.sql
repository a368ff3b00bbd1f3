-- The active job whose keys overlap these.
-- $1 asset name, $2 lowest, $3 highest numeric key
SELECT id, state FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = $1
  AND state IN ('pending', 'running', 'paused', 'resuming')
  AND key_range && numrange($2::numeric, $3::numeric, '[]')
ORDER BY created_at LIMIT 1

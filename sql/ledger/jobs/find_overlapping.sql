-- The active job whose keys overlap these.
-- $1 asset name, $2 lowest, $3 highest numeric key, $4 scope, or NULL
SELECT id, state FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = $1
  AND state IN ('pending', 'running', 'paused', 'resuming')
  AND CASE WHEN $4::text IS NULL THEN key_range && numrange($2::numeric, $3::numeric, '[]')
           ELSE backfill_scopes_meet(scope, $4::text::jsonb) END
ORDER BY created_at LIMIT 1

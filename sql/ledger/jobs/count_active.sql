-- How many jobs of a backfill are active.
-- $1 asset name
SELECT count(*) FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = $1
  AND state IN ('pending', 'running', 'paused', 'resuming')

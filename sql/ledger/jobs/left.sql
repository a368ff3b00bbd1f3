-- Active jobs of these backfills that are not planned whole and that no producer plans now, oldest first.
-- $1 asset names
SELECT id, asset_name AS backfill FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = ANY ($1) AND planned_at IS NULL
  AND state IN ('pending', 'running', 'paused', 'resuming')
  AND (producer_lease_until IS NULL OR producer_lease_until < clock_timestamp())
ORDER BY created_at

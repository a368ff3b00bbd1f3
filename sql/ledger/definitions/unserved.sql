-- Active jobs of other backfills that no live worker serves, oldest first: after a renaming, for one.
-- $1 asset names that are served
SELECT j.id, j.asset_name, j.state FROM backfill_jobs j
WHERE j.tenant_id = backfill_tenant() AND j.asset_name <> ALL ($1)
  AND j.state IN ('pending', 'running', 'paused', 'resuming')
  AND NOT EXISTS (SELECT FROM backfill_workers w
                  WHERE w.tenant_id = backfill_tenant() AND j.asset_name = ANY (w.backfills) AND backfill_is_alive(w))
ORDER BY j.created_at LIMIT 20

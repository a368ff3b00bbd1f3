-- Active jobs of other backfills that no live worker serves, oldest first: after a renaming, for one.
-- $1 asset names that are served, $2 seconds after which a worker that was not heard of is gone
SELECT j.id, j.asset_name, j.state FROM backfill_jobs j
WHERE j.tenant_id = backfill_tenant() AND j.asset_name <> ALL ($1)
  AND j.state IN ('pending', 'running', 'paused', 'resuming')
  AND NOT EXISTS (SELECT FROM backfill_workers w
                  WHERE w.tenant_id = backfill_tenant() AND j.asset_name = ANY (w.backfills) AND w.stopped_at IS NULL
                    AND w.heartbeat_at > clock_timestamp() - make_interval(secs => $2))
ORDER BY j.created_at LIMIT 20

-- Jobs that were ended a short while ago with partitions in hand: those are still to be counted when they finish.
-- $1 asset name, $2 seconds
SELECT id FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND asset_name = $1 AND state IN ('failed', 'cancelled')
  AND completed_at > clock_timestamp() - make_interval(secs => $2)

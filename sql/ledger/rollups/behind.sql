-- Ended jobs of a backfill of which not everything is counted, newest first: they ended before the ledger counted so, were
-- ended by somebody who does not count, or restored, or something of them was changed by hand, or was in hand at their end.
-- $1 asset name, $2 how many at most, $3 jobs to leave out
WITH here AS MATERIALIZED (
    SELECT backfill_cluster() AS cluster, pg_snapshot_xmax(pg_current_snapshot()) AS xmax
)
SELECT j.id FROM here CROSS JOIN backfill_jobs j LEFT JOIN backfill_rollups r ON r.backfill_job_id = j.id
WHERE j.tenant_id = backfill_tenant() AND j.asset_name = $1 AND j.completed_at IS NOT NULL AND j.id <> ALL ($3::uuid[])
  AND (r.snapshot IS NULL OR r.cluster <> here.cluster OR pg_snapshot_xmax(r.snapshot) > here.xmax
       OR r.completed + r.failed + r.skipped <> j.completed_partitions + j.failed_partitions + j.skipped_partitions)
ORDER BY j.completed_at DESC LIMIT $2

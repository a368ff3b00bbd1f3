-- The last job of each backfill that was completed, and how many records failed in it.
SELECT DISTINCT ON (asset_name) asset_name AS backfill, id::text AS job, completed_at, records_failed AS failed
FROM (SELECT asset_name, id, completed_at, records_failed FROM backfill_jobs
      WHERE tenant_id = backfill_tenant() AND state = 'completed') ended
ORDER BY asset_name, completed_at DESC

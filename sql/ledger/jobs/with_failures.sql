-- Jobs that have failed records, newest first, and how many.
-- $1 most rows
SELECT j.id, j.asset_name, j.state, count(*) AS failed
FROM backfill_failures f JOIN backfill_jobs j ON j.id = f.backfill_job_id
WHERE j.tenant_id = backfill_tenant()
GROUP BY j.id ORDER BY j.created_at DESC LIMIT $1

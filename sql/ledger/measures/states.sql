-- How many jobs are in each state that has jobs.
SELECT state, count(*) AS jobs FROM backfill_jobs
WHERE tenant_id = backfill_tenant() AND state IN ('pending', 'running', 'paused', 'resuming') GROUP BY state

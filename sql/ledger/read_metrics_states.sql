-- How many jobs are in each state that has jobs.
SELECT state, count(*) AS jobs FROM backfill_jobs
WHERE state IN ('pending', 'running', 'paused', 'resuming') GROUP BY state

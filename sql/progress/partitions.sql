-- Partitions of active jobs by state, with the oldest attempt and lease.
SELECT j.asset_name, p.backfill_job_id, p.state, count(*) AS partitions, sum(p.record_count) AS records,
       max(p.attempt_count) AS most_attempts, min(p.lease_expires_at) AS first_lease_ends, min(p.not_before) AS next_retry
FROM backfill_partitions p JOIN backfill_jobs j ON j.id = p.backfill_job_id
WHERE j.state IN ('pending', 'running', 'paused', 'resuming')
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

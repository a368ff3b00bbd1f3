-- Partitions of a job that may be claimed now, in order of work: pending and due, or held by a worker that has gone.
-- $1 job, $2 partition keys to leave out, $3 most rows
SELECT p.partition_key
FROM backfill_partitions p JOIN backfill_jobs j ON j.id = p.backfill_job_id
WHERE p.backfill_job_id = $1 AND j.tenant_id = backfill_tenant() AND j.state IN ('pending', 'running', 'resuming')
  AND p.state IN ('pending', 'running')
  AND CASE p.state WHEN 'pending' THEN p.not_before IS NULL OR p.not_before <= clock_timestamp()
                   ELSE p.lease_expires_at < clock_timestamp() END
  AND p.partition_key <> ALL ($2)
ORDER BY p.partition_key LIMIT $3

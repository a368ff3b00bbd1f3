-- Why a claim gave nothing: the job's and the partition's state; no row for an unknown job. Of one that was deleted only
-- its events are left.
-- $1 job, $2 partition key
SELECT j.state AS job_state, j.asset_name, j.mode, j.priority, p.state AS partition_state,
       p.state = 'pending' AND (p.not_before IS NULL OR p.not_before <= clock_timestamp())
           AND j.state IN ('pending', 'running', 'resuming') AS is_due
FROM backfill_jobs j
LEFT JOIN backfill_partitions p ON p.backfill_job_id = j.id AND p.partition_key = $2
WHERE j.id = $1 AND j.tenant_id = backfill_tenant()
UNION ALL
(SELECT 'deleted', NULL, NULL, NULL, NULL, false FROM backfill_events
 WHERE backfill_job_id = $1 AND tenant_id = backfill_tenant()
   AND NOT EXISTS (SELECT FROM backfill_jobs WHERE id = $1) LIMIT 1)

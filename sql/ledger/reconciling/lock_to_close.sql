-- Hold a job whose partitions have all ended, so that one process alone sweeps and completes it.
-- $1 job
SELECT id, state FROM backfill_jobs j
WHERE id = $1 AND state IN ('pending', 'running', 'resuming') AND planned_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM backfill_partitions
                  WHERE backfill_job_id = $1 AND state IN ('pending', 'running'))
FOR NO KEY UPDATE SKIP LOCKED

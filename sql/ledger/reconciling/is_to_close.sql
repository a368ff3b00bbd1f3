-- Whether a job is to be closed, perhaps by a process that holds it; the conditions of lock_job_to_close.sql.
-- $1 job
SELECT EXISTS (
    SELECT FROM backfill_jobs j
    WHERE id = $1 AND state IN ('pending', 'running', 'resuming') AND planned_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM backfill_partitions
                      WHERE backfill_job_id = $1 AND state IN ('pending', 'running'))
)

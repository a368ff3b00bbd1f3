-- Whether what comes before a job was done.
-- $1 job
SELECT before_job_at IS NOT NULL FROM backfill_jobs WHERE id = $1

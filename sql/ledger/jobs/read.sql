-- One job.
-- $1 job
SELECT * FROM backfill_jobs WHERE id = $1

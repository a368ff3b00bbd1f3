-- Hold a job, before reading what its row is to say.
-- $1 job
SELECT FROM backfill_jobs WHERE id = $1 FOR NO KEY UPDATE

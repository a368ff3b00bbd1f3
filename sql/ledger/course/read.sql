-- Into which queue the messages of a job go now, and whether it goes on at all.
-- $1 job
SELECT priority, state FROM backfill_jobs WHERE id = $1

-- The records that a job was opened with; NULL of one that takes what its mode selects.
-- $1 job
SELECT record_ids FROM backfill_jobs WHERE id = $1

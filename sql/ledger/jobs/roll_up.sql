-- Bring what the job row says of its partitions up to date.
-- $1 job, $2 whether to count all of it anew, $3 whether nothing else is in the transaction
SELECT ended, failed, ended_partitions, total FROM backfill_roll_up($1, $2, $3)

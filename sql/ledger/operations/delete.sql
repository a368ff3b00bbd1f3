-- Forget an ended job, its partitions and failures; its events stay.
-- $1 job, $2 version
DELETE FROM backfill_jobs WHERE id = $1 AND state IN ('completed', 'failed', 'cancelled') AND version = $2
RETURNING id

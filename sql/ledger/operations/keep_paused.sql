-- A job that was paused with all others is paused for itself from now on: bringing those back leaves it.
-- $1 job, $2 version
UPDATE backfill_jobs SET pause_cause = NULL, version = version + 1
WHERE id = $1 AND state = 'paused' AND pause_cause = 'all' AND version = $2
RETURNING id

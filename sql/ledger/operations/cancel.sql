-- Give a job up; what is open of it stays as it is.
-- $1 job, $2 version, $3 reason
UPDATE backfill_jobs SET state = 'cancelled', completed_at = clock_timestamp(), error_message = $3, version = version + 1
WHERE id = $1 AND state IN ('pending', 'running', 'paused', 'resuming') AND version = $2
RETURNING id

-- What was done to a job, by whom and why.
-- $1 job
SELECT at, event, actor, login, from_state, to_state, reason, details FROM backfill_events
WHERE backfill_job_id = $1 ORDER BY id

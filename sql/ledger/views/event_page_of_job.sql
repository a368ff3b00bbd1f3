-- A page of what was done to a job, the newest first.
-- $1 the last id of the page before, or NULL, $2 most rows, $3 job
SELECT id, backfill_job_id AS job, at, event, actor, login, from_state, to_state, reason, details FROM backfill_events
WHERE backfill_job_id = $3 AND id < coalesce($1, 9223372036854775807)
ORDER BY id DESC LIMIT $2

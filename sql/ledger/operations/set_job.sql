-- Change how an active job is worked on; NULL leaves a value as it is, max workers 0 lifts the limit.
-- $1 job, $2 version, $3 priority, $4 max workers, $5 pause in ms, $6 deadline, $7 whether to leave it without one
UPDATE backfill_jobs SET priority = coalesce($3, priority),
    max_workers = CASE WHEN $4::integer IS NULL THEN max_workers ELSE nullif($4, 0) END,
    pause_ms = coalesce($5, pause_ms), sla_deadline_at = CASE WHEN $7 THEN NULL ELSE coalesce($6, sla_deadline_at) END, version = version + 1
WHERE id = $1 AND version = $2 AND state IN ('pending', 'running', 'paused', 'resuming')
RETURNING id

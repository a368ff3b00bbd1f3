-- Remember what an operator did that was no change of state.
-- $1 job, $2 event, $3 reason or NULL, $4 details
INSERT INTO backfill_events (backfill_job_id, event, actor, reason, details)
VALUES ($1, $2, backfill_actor(), $3, $4::text::jsonb)

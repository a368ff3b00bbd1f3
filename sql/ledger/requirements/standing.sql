-- How a backfill stands that others require: its last job over all that its mode selects, and one that is active. What was
-- opened with a limit, with ids, behind a key or over failed records is about a part.
-- $1 asset name
SELECT last.id AS job, last.state, last.completed_at, last.records_failed AS failed,
       extract(epoch FROM clock_timestamp() - last.completed_at)::float8 AS seconds,
       active.id AS active, active.state AS active_state
FROM (VALUES (1)) AS one
LEFT JOIN LATERAL (
    SELECT id, state, completed_at, records_failed FROM backfill_jobs
    WHERE tenant_id = backfill_tenant() AND asset_name = $1 AND completed_at IS NOT NULL
      AND record_limit IS NULL AND record_ids IS NULL AND after_key IS NULL AND parent_job_id IS NULL
    ORDER BY completed_at DESC LIMIT 1
) last ON true
LEFT JOIN LATERAL (
    SELECT id, state FROM backfill_jobs
    WHERE tenant_id = backfill_tenant() AND asset_name = $1 AND completed_at IS NULL
    ORDER BY created_at LIMIT 1
) active ON true

-- Jobs of these backfills that a worker has paused, and why: they wait for a corrected definition or table.
-- $1 asset names
SELECT j.id, j.asset_name, (SELECT e.reason FROM backfill_events e
                            WHERE e.backfill_job_id = j.id AND e.to_state = 'paused' ORDER BY e.id DESC LIMIT 1) AS reason
FROM backfill_jobs j
WHERE j.tenant_id = backfill_tenant() AND j.asset_name = ANY ($1) AND j.state = 'paused' AND j.pause_cause = 'definition'
ORDER BY j.created_at

-- A page of jobs, the newest first, as their rows say: nothing of their partitions is read.
-- $1 states, or NULL for all, $2 asset name or NULL, $3 when the last job of the page before was created, or NULL, $4 its
-- id, $5 most rows
WITH page AS (
    SELECT * FROM backfill_jobs
    WHERE tenant_id = backfill_tenant() AND ($1::text[] IS NULL OR state = ANY ($1))
      AND ($2::text IS NULL OR asset_name = $2)
      AND (created_at, id) < (coalesce($3::timestamptz, 'infinity'), coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    ORDER BY created_at DESC, id DESC LIMIT $5
)
SELECT j.id AS job, j.asset_name AS backfill, j.mode, j.state, j.priority, j.planned_at IS NOT NULL AS is_planned,
       j.records_matched AS matched, j.records_updated AS updated, j.records_unchanged AS unchanged,
       j.records_skipped AS skipped, j.records_failed AS failed, j.records_deleted AS deleted,
       j.total_partitions, j.completed_partitions, j.failed_partitions, j.skipped_partitions,
       CASE WHEN j.estimated_completion_at IS NOT NULL THEN
           greatest(extract(epoch FROM j.estimated_completion_at - clock_timestamp())::float8, 0) END AS seconds_left,
       j.earliest_completion_at, j.estimated_completion_at, j.latest_completion_at, j.sla_deadline_at,
       CASE WHEN j.sla_deadline_at IS NULL THEN NULL
            WHEN coalesce(j.completed_at, clock_timestamp()) > j.sla_deadline_at THEN 'breached'
            WHEN j.latest_completion_at > j.sla_deadline_at OR j.estimated_completion_at > j.sla_deadline_at
                THEN 'at_risk'
            ELSE 'on_time' END AS sla,
       j.created_by, j.created_at, j.started_at, j.completed_at, changed.at AS state_since, j.heartbeat_at,
       j.pass_number, j.first_job_id AS first_job, j.error_message,
       CASE WHEN j.state = 'paused' THEN changed.reason END AS pause_reason
FROM page j LEFT JOIN LATERAL (
    SELECT e.at, e.reason FROM backfill_events e
    WHERE e.backfill_job_id = j.id AND e.to_state IS NOT NULL ORDER BY e.id DESC LIMIT 1
) changed ON true
ORDER BY j.created_at DESC, j.id DESC

-- A page of jobs, the newest first, as their rows say: nothing of their partitions is read. The rate is that of the last
-- minute while a job runs, that of the whole once it has ended, as in sql/ledger/progress/read.sql.
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
       (CASE WHEN j.completed_at IS NOT NULL
                 THEN (j.records_updated + j.records_unchanged + j.records_skipped + j.records_failed + j.records_deleted)
                      / nullif(extract(epoch FROM r.last_completed_at - r.first_started_at), 0)
             WHEN j.state = 'running' THEN coalesce(recent.records, 0) / nullif(extract(epoch FROM least(
                 clock_timestamp() - r.first_started_at, interval '60 seconds')), 0) END)::float8 AS rate,
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
FROM page j LEFT JOIN backfill_rollups r ON r.backfill_job_id = j.id
LEFT JOIN LATERAL (
    SELECT sum(s.records) AS records FROM unnest(r.recent_records) WITH ORDINALITY AS s (records, n)
    WHERE r.recent_second - cardinality(r.recent_records) + s.n > extract(epoch FROM clock_timestamp()) - 60
) recent ON j.state = 'running'
LEFT JOIN LATERAL (
    SELECT e.at, e.reason FROM backfill_events e
    WHERE e.backfill_job_id = j.id AND e.to_state IS NOT NULL ORDER BY e.id DESC LIMIT 1
) changed ON true
ORDER BY j.created_at DESC, j.id DESC

-- How far a job is, from its partitions as they are committed now. The rate is that of the last seconds while it runs,
-- that of the whole once it has ended.
-- $1 job, $2 seconds to look back for the rate
WITH sums AS (
    SELECT count(*) AS total_partitions,
           count(*) FILTER (WHERE state = 'completed') AS completed_partitions,
           count(*) FILTER (WHERE state = 'failed') AS failed_partitions,
           count(*) FILTER (WHERE state = 'skipped') AS skipped_partitions,
           count(*) FILTER (WHERE state = 'running') AS running_partitions,
           count(*) FILTER (WHERE state = 'pending' AND held_since IS NULL AND not_before > clock_timestamp())
               AS waiting_partitions,
           min(not_before) FILTER (WHERE state = 'pending' AND held_since IS NULL AND not_before > clock_timestamp())
               AS next_retry_at,
           count(*) FILTER (WHERE state IN ('pending', 'running') AND held_since IS NOT NULL) AS held_partitions,
           min(held_since) FILTER (WHERE state IN ('pending', 'running')) AS held_since,
           (array_agg(held_reason ORDER BY held_since)
               FILTER (WHERE state IN ('pending', 'running') AND held_since IS NOT NULL))[1] AS held_reason,
           coalesce(sum(record_count), 0)::bigint AS matched,
           coalesce(sum(records_updated), 0)::bigint AS updated,
           coalesce(sum(records_unchanged), 0)::bigint AS unchanged,
           coalesce(sum(records_skipped), 0)::bigint AS skipped,
           coalesce(sum(records_failed), 0)::bigint AS failed,
           coalesce(sum(records_deleted), 0)::bigint AS deleted,
           coalesce(sum(calls_made), 0)::bigint AS calls_made, coalesce(sum(calls_refused), 0)::bigint AS calls_refused,
           coalesce(sum(retried_recovered), 0)::bigint AS retried_recovered,
           coalesce(sum(retried_failed), 0)::bigint AS retried_failed,
           sum(record_count) FILTER (WHERE completed_at > clock_timestamp() - make_interval(secs => $2))
               AS recent_records,
           extract(epoch FROM
               clock_timestamp() - greatest(min(started_at), clock_timestamp() - make_interval(secs => $2))
               ) AS recent_seconds,
           extract(epoch FROM max(completed_at) - min(started_at)) AS busy_seconds
    FROM backfill_partitions WHERE backfill_job_id = $1
), reasons AS (
    SELECT coalesce(jsonb_object_agg(reason, n), '{}') AS skip_reasons FROM (
        SELECT r.key AS reason, sum(r.value::bigint) AS n
        FROM backfill_partitions s, jsonb_each_text(s.skip_reasons) r
        WHERE s.backfill_job_id = $1 AND s.skip_reasons <> '{}' GROUP BY r.key) r
)
SELECT j.id AS job_id, j.asset_name AS backfill, j.mode, j.state, j.priority, j.parameters, j.definition_hash,
       j.planned_at IS NOT NULL AS is_planned,
       j.planned_at IS NULL AND j.completed_at IS NULL
           AND (j.producer_lease_until IS NULL OR j.producer_lease_until < clock_timestamp()) AS is_left,
       p.total_partitions, p.completed_partitions, p.failed_partitions, p.skipped_partitions, p.running_partitions,
       p.waiting_partitions, p.next_retry_at, p.held_partitions, p.held_since, p.held_reason,
       p.matched, p.updated, p.unchanged, p.skipped, p.failed, p.deleted,
       p.calls_made, p.calls_refused, p.retried_recovered, p.retried_failed,
       j.records_replanned AS replanned, j.records_left, j.left_reasons, reasons.skip_reasons,
       (CASE WHEN j.completed_at IS NOT NULL
                 THEN (p.updated + p.unchanged + p.skipped + p.failed + p.deleted) / nullif(p.busy_seconds, 0)
             WHEN j.state = 'running' THEN coalesce(p.recent_records, 0) / nullif(p.recent_seconds, 0) END)::float8 AS rate,
       j.avg_partition_duration_ms, j.estimated_completion_at, j.earliest_completion_at, j.latest_completion_at,
       CASE WHEN j.estimated_completion_at IS NOT NULL THEN
           greatest(extract(epoch FROM j.estimated_completion_at - clock_timestamp())::float8, 0) END AS seconds_left,
       j.sla_deadline_at,
       CASE WHEN j.sla_deadline_at IS NULL THEN NULL
            WHEN coalesce(j.completed_at, clock_timestamp()) > j.sla_deadline_at THEN 'breached'
            WHEN j.latest_completion_at > j.sla_deadline_at OR j.estimated_completion_at > j.sla_deadline_at
                THEN 'at_risk'
            ELSE 'on_time' END AS sla,
       j.pass_number, j.first_job_id AS first_job, j.scope_records, j.scope_covered, j.scope_is_estimate,
       (SELECT scope_covered FROM backfill_jobs WHERE id = j.first_job_id) AS first_covered,
       -- Of the others as their rows say, at most a second old.
       (SELECT json_agg(json_build_object('pass', s.pass_number, 'job', s.id, 'state', s.state,
                   'matched', s.records_matched, 'updated', s.records_updated, 'unchanged', s.records_unchanged,
                   'skipped', s.records_skipped, 'failed', s.records_failed, 'deleted', s.records_deleted,
                   'seconds_left', CASE WHEN s.estimated_completion_at IS NOT NULL THEN
                       greatest(extract(epoch FROM s.estimated_completion_at - clock_timestamp())::float8, 0) END)
               ORDER BY s.pass_number)
        FROM backfill_jobs s WHERE s.first_job_id = j.first_job_id) AS passes,
       j.max_workers, j.pause_ms, j.parent_job_id AS parent_job, j.version, j.created_at, j.started_at, j.paused_at,
       j.completed_at, j.heartbeat_at, j.checkpoint_partition_key, j.error_message,
       paused.reason AS pause_reason, j.pause_cause, paused.actor AS paused_by, j.created_by, j.result,
       (SELECT at FROM backfill_events WHERE backfill_job_id = $1 AND to_state IS NOT NULL ORDER BY id DESC LIMIT 1)
           AS state_since
FROM backfill_jobs j CROSS JOIN sums p CROSS JOIN reasons
LEFT JOIN LATERAL (
    SELECT e.reason, e.actor FROM backfill_events e
    WHERE e.backfill_job_id = j.id AND j.state = 'paused' AND e.to_state = 'paused' ORDER BY e.id DESC LIMIT 1
) paused ON true
WHERE j.id = $1

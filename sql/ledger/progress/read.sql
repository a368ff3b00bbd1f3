-- How far a job is, from its partitions as they are committed now: what is counted of those that have ended, those that
-- have ended since, and those that have begun. All of them are read where that is to be counted anew. The rate is that of
-- the last seconds while it runs, that of the whole once it has ended.
-- $1 job, $2 seconds to look back for the rate
WITH counted AS MATERIALIZED (
    SELECT r.*, backfill_is_counted(r.snapshot, r.cluster) AS is_good
    FROM (SELECT) one LEFT JOIN backfill_rollups r ON r.backfill_job_id = $1
), ended AS MATERIALIZED (
    SELECT e.* FROM counted, backfill_ended($1, CASE WHEN counted.is_good THEN counted.snapshot END) e
), begun AS (
    SELECT count(*) FILTER (WHERE state = 'running') AS running_partitions,
           count(*) FILTER (WHERE state = 'pending' AND held_since IS NULL AND not_before > clock_timestamp())
               AS waiting_partitions,
           min(not_before) FILTER (WHERE state = 'pending' AND held_since IS NULL AND not_before > clock_timestamp())
               AS next_retry_at,
           count(held_since) AS held_partitions, min(held_since) AS held_since,
           (array_agg(held_reason ORDER BY held_since) FILTER (WHERE held_since IS NOT NULL))[1] AS held_reason,
           coalesce(sum(records_updated), 0) AS updated, coalesce(sum(records_unchanged), 0) AS unchanged,
           coalesce(sum(records_skipped), 0) AS skipped, coalesce(sum(records_failed), 0) AS failed,
           coalesce(sum(records_deleted), 0) AS deleted,
           coalesce(sum(calls_made), 0) AS calls_made, coalesce(sum(calls_refused), 0) AS calls_refused,
           coalesce(sum(retried_recovered), 0) AS retried_recovered, coalesce(sum(retried_failed), 0) AS retried_failed,
           min(started_at) AS first_started_at
    FROM backfill_partitions
    WHERE backfill_job_id = $1 AND completed_at IS NULL
      AND (started_at IS NOT NULL OR state = 'running' OR not_before IS NOT NULL OR held_since IS NOT NULL)
), planned AS (
    SELECT partitions, records FROM counted WHERE is_good
    UNION ALL
    SELECT p.partitions, p.records FROM counted, backfill_planned($1) p WHERE NOT counted.is_good
), since AS (
    SELECT count(*) FILTER (WHERE state = 'completed') AS completed,
           count(*) FILTER (WHERE state = 'failed') AS failed_partitions,
           count(*) FILTER (WHERE state = 'skipped') AS skipped_partitions,
           coalesce(sum(records_updated), 0) AS updated, coalesce(sum(records_unchanged), 0) AS unchanged,
           coalesce(sum(records_skipped), 0) AS skipped, coalesce(sum(records_failed), 0) AS failed,
           coalesce(sum(records_deleted), 0) AS deleted,
           coalesce(sum(calls_made), 0) AS calls_made, coalesce(sum(calls_refused), 0) AS calls_refused,
           coalesce(sum(retried_recovered), 0) AS retried_recovered, coalesce(sum(retried_failed), 0) AS retried_failed,
           min(started_at) AS first_started_at, max(completed_at) AS last_completed_at
    FROM ended
), last AS MATERIALIZED (
    SELECT completed_at, record_count FROM backfill_partitions
    WHERE backfill_job_id = $1 AND ended_xid IS NOT NULL
    ORDER BY ended_xid DESC LIMIT 400
), recent AS (  -- by the last ones, unless there are more; then by the second
    SELECT completed_at AS at, record_count AS records FROM last WHERE (SELECT count(*) < 400 FROM last)
    UNION ALL
    SELECT to_timestamp(c.recent_second - cardinality(c.recent_records) + s.n + 0.5), s.records
    FROM counted c, unnest(c.recent_records) WITH ORDINALITY AS s (records, n)
    WHERE c.is_good AND s.records > 0 AND (SELECT count(*) = 400 FROM last)
    UNION ALL
    SELECT completed_at, record_count FROM ended WHERE (SELECT count(*) = 400 FROM last)
), sums AS (
    SELECT planned.partitions AS total_partitions,
           b.completed + s.completed AS completed_partitions,
           b.failed + s.failed_partitions AS failed_partitions,
           b.skipped + s.skipped_partitions AS skipped_partitions,
           planned.records::bigint AS matched,
           (b.records_updated + s.updated + o.updated)::bigint AS updated,
           (b.records_unchanged + s.unchanged + o.unchanged)::bigint AS unchanged,
           (b.records_skipped + s.skipped + o.skipped)::bigint AS skipped,
           (b.records_failed + s.failed + o.failed)::bigint AS failed,
           (b.records_deleted + s.deleted + o.deleted)::bigint AS deleted,
           (b.calls_made + s.calls_made + o.calls_made)::bigint AS calls_made,
           (b.calls_refused + s.calls_refused + o.calls_refused)::bigint AS calls_refused,
           (b.retried_recovered + s.retried_recovered + o.retried_recovered)::bigint AS retried_recovered,
           (b.retried_failed + s.retried_failed + o.retried_failed)::bigint AS retried_failed,
           o.running_partitions, o.waiting_partitions, o.next_retry_at, o.held_partitions, o.held_since, o.held_reason,
           (SELECT sum(records) FROM recent WHERE at > clock_timestamp() - make_interval(secs => $2)) AS recent_records,
           extract(epoch FROM clock_timestamp() - greatest(
               least(b.first_started_at, s.first_started_at, o.first_started_at),
               clock_timestamp() - make_interval(secs => $2))) AS recent_seconds,
           extract(epoch FROM greatest(b.last_completed_at, s.last_completed_at)
               - least(b.first_started_at, s.first_started_at, o.first_started_at)) AS busy_seconds
    FROM since s CROSS JOIN begun o CROSS JOIN planned CROSS JOIN LATERAL (
        SELECT CASE WHEN is_good THEN completed ELSE 0 END AS completed,
               CASE WHEN is_good THEN failed ELSE 0 END AS failed,
               CASE WHEN is_good THEN skipped ELSE 0 END AS skipped,
               CASE WHEN is_good THEN records_updated ELSE 0 END AS records_updated,
               CASE WHEN is_good THEN records_unchanged ELSE 0 END AS records_unchanged,
               CASE WHEN is_good THEN records_skipped ELSE 0 END AS records_skipped,
               CASE WHEN is_good THEN records_failed ELSE 0 END AS records_failed,
               CASE WHEN is_good THEN records_deleted ELSE 0 END AS records_deleted,
               CASE WHEN is_good THEN calls_made ELSE 0 END AS calls_made,
               CASE WHEN is_good THEN calls_refused ELSE 0 END AS calls_refused,
               CASE WHEN is_good THEN retried_recovered ELSE 0 END AS retried_recovered,
               CASE WHEN is_good THEN retried_failed ELSE 0 END AS retried_failed,
               CASE WHEN is_good THEN first_started_at END AS first_started_at,
               CASE WHEN is_good THEN last_completed_at END AS last_completed_at
        FROM counted) b
), reasons AS (
    SELECT coalesce(jsonb_object_agg(reason, n), '{}') AS skip_reasons FROM (
        SELECT key AS reason, sum(value::bigint) AS n FROM (
            SELECT r.key, r.value FROM counted, jsonb_each_text(counted.skip_reasons) r WHERE counted.is_good
            UNION ALL SELECT r.key, r.value FROM ended, jsonb_each_text(ended.skip_reasons) r
            WHERE ended.skip_reasons <> '{}'
            UNION ALL
            SELECT r.key, r.value FROM backfill_partitions p, jsonb_each_text(p.skip_reasons) r
            WHERE p.backfill_job_id = $1 AND p.completed_at IS NULL AND p.skip_reasons <> '{}'
              AND (p.started_at IS NOT NULL OR p.state = 'running' OR p.not_before IS NOT NULL OR p.held_since IS NOT NULL)
        ) one GROUP BY key) r
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

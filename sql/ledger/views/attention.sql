-- What needs somebody to look, the worst first: active jobs that do not go on or are late, and jobs of the last week that
-- failed, or left failed records that no retry has done.
-- $1 most rows
WITH moment AS MATERIALIZED (
    SELECT clock_timestamp() AS now
), served AS MATERIALIZED (
    SELECT DISTINCT s.name FROM backfill_workers w, unnest(w.backfills) AS s (name)
    WHERE w.tenant_id = backfill_tenant() AND w.stopped_at IS NULL AND backfill_is_alive(w)
), looked_at AS MATERIALIZED (
    SELECT j.*, now,
           records_updated + records_unchanged + records_skipped + records_failed + records_deleted AS done
    FROM backfill_jobs j CROSS JOIN moment
    WHERE tenant_id = backfill_tenant()
      AND (completed_at IS NULL
           OR completed_at > now - interval '7 days' AND (state = 'failed' OR state = 'completed' AND records_failed > 0)
              AND NOT EXISTS (SELECT FROM backfill_jobs r WHERE r.parent_job_id = j.id))
), facts AS (
    SELECT j.*,
           completed_at IS NULL AND planned_at IS NULL
               AND (producer_lease_until IS NULL OR producer_lease_until < now) AS is_left,
           state IN ('pending', 'running', 'resuming') AND asset_name NOT IN (SELECT name FROM served)
               AND total_partitions > completed_partitions + failed_partitions + skipped_partitions AS is_unserved,
           state = 'paused' AND pause_cause = 'definition' AS is_halted,
           state IN ('running', 'resuming')
               AND (coalesce(heartbeat_at, started_at, created_at) < now - interval '5 minutes'
                    OR state = 'running' AND planned_at IS NOT NULL AND running_since < now - interval '5 minutes'
                       AND NOT EXISTS (SELECT FROM backfill_minutes m
                                       WHERE m.backfill_job_id = j.id AND m.minute > now - interval '6 minutes')
                       AND NOT EXISTS (SELECT FROM backfill_partitions p
                                       WHERE p.backfill_job_id = j.id AND p.held_since IS NOT NULL
                                         AND p.state IN ('pending', 'running'))) AS is_stuck,
           completed_at IS NULL AND sla_deadline_at < now AS is_breached,
           completed_at IS NULL AND sla_deadline_at >= now
               AND greatest(estimated_completion_at, latest_completion_at) > sla_deadline_at AS is_late
    FROM looked_at j
)
SELECT k.kind, f.id::text AS job, f.asset_name AS backfill, f.state, f.done, f.records_matched AS matched,
       f.records_failed AS failed, f.error_message, f.sla_deadline_at, f.latest_completion_at, f.estimated_completion_at,
       f.changed_definition_hash IS NOT NULL AS has_changed,
       extract(epoch FROM now - coalesce(f.heartbeat_at, f.started_at, f.created_at))::float8 AS heartbeat_seconds,
       CASE WHEN k.kind = 'paused_by_definition' THEN (
           SELECT e.reason FROM backfill_events e
           WHERE e.backfill_job_id = f.id AND e.to_state = 'paused' ORDER BY e.id DESC LIMIT 1) END AS reason
FROM facts f CROSS JOIN LATERAL (VALUES
    (1, 'producer_gone', is_left), (2, 'no_worker', is_unserved), (3, 'paused_by_definition', is_halted),
    (4, 'stuck', is_stuck AND NOT is_unserved), (5, 'deadline_breached', is_breached), (6, 'job_failed', state = 'failed'),
    (7, 'deadline_at_risk', is_late), (8, 'failed_records', state <> 'failed' AND records_failed > 0)
) AS k (rank, kind, holds)
WHERE k.holds
ORDER BY k.rank, f.created_at DESC LIMIT $1

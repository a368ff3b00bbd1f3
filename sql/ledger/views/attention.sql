-- What needs somebody to look, the worst first: active jobs that do not go on or are late, and jobs of the last week that
-- failed, or left failed records that no retry has taken. What a retry has taken is the retry's, to its end; of one that was
-- cancelled, what it has done.
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
           OR completed_at > now - interval '7 days' AND (state = 'failed' OR state = 'completed' AND records_failed > 0))
), untaken AS MATERIALIZED (  -- of jobs with retries, record by record unless one has them all
    SELECT j.id, CASE WHEN EXISTS (
        SELECT FROM backfill_jobs r
        WHERE r.parent_job_id = j.id AND r.state <> 'cancelled' AND r.records_matched >= j.records_failed
    ) THEN 0 ELSE (SELECT count(*) FROM (
        SELECT f.record_id FROM backfill_failures f WHERE f.backfill_job_id = j.id
        EXCEPT
        SELECT t.id FROM backfill_jobs r JOIN backfill_partitions p ON p.backfill_job_id = r.id, unnest(p.record_ids) AS t (id)
        WHERE r.parent_job_id = j.id
          AND (r.state <> 'cancelled' OR p.completed_at IS NOT NULL
               OR p.remaining_ids IS NOT NULL AND t.id <> ALL (p.remaining_ids))
    ) u) END AS records
    FROM looked_at j
    WHERE completed_at IS NOT NULL AND records_failed > 0
      AND EXISTS (SELECT FROM backfill_jobs r WHERE r.parent_job_id = j.id)
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
                       -- whether or not anybody counts: the last one that ended,
                       AND coalesce((SELECT p.completed_at FROM backfill_partitions p
                                     WHERE p.backfill_job_id = j.id AND p.ended_xid IS NOT NULL
                                     ORDER BY p.ended_xid DESC LIMIT 1) < now - interval '5 minutes', true)
                       -- one that could be claimed all the time,
                       AND EXISTS (SELECT FROM backfill_partitions p
                                   WHERE p.backfill_job_id = j.id AND p.state IN ('pending', 'running')
                                     AND (p.not_before IS NULL OR p.not_before < now - interval '5 minutes'))
                       -- and nobody has one in hand, or waits for a lock.
                       AND NOT EXISTS (SELECT FROM backfill_partitions p
                                       WHERE p.backfill_job_id = j.id AND p.completed_at IS NULL
                                         AND (p.started_at IS NOT NULL OR p.state = 'running'
                                              OR p.not_before IS NOT NULL OR p.held_since IS NOT NULL)
                                         AND (p.held_since IS NOT NULL
                                              OR p.state = 'running' AND p.lease_expires_at > now))) AS is_stuck,
           completed_at IS NULL AND sla_deadline_at < now AS is_breached,
           completed_at IS NULL AND sla_deadline_at >= now
               AND greatest(estimated_completion_at, latest_completion_at) > sla_deadline_at AS is_late
    FROM looked_at j
)
SELECT k.kind, f.id::text AS job, f.asset_name AS backfill, f.state, f.done, f.records_matched AS matched,
       f.records_failed AS failed, u.records AS untaken, f.error_message, f.sla_deadline_at, f.latest_completion_at,
       f.estimated_completion_at, f.changed_definition_hash IS NOT NULL AS has_changed,
       extract(epoch FROM now - coalesce(f.heartbeat_at, f.started_at, f.created_at))::float8 AS heartbeat_seconds,
       CASE WHEN k.kind = 'paused_by_definition' THEN (
           SELECT e.reason FROM backfill_events e
           WHERE e.backfill_job_id = f.id AND e.to_state = 'paused' ORDER BY e.id DESC LIMIT 1) END AS reason
FROM facts f LEFT JOIN untaken u ON u.id = f.id CROSS JOIN LATERAL (VALUES
    (1, 'producer_gone', is_left), (2, 'no_worker', is_unserved), (3, 'paused_by_definition', is_halted),
    (4, 'stuck', is_stuck AND NOT is_unserved), (5, 'deadline_breached', is_breached), (6, 'job_failed', state = 'failed'),
    (7, 'deadline_at_risk', is_late), (8, 'failed_records', state <> 'failed' AND records_failed > 0)
) AS k (rank, kind, holds)
WHERE k.holds AND coalesce(u.records > 0, true)
ORDER BY k.rank, f.created_at DESC LIMIT $1

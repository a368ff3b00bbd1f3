-- Each backfill that ever had a job, with what its active jobs are like: of several the one that is worst off.
-- A time of nothing is NULL: no job is paused, runs, has a deadline or an estimate.
SELECT names.asset_name,
    extract(epoch FROM max(t.now - j.paused_at) FILTER (WHERE j.state = 'paused'))::float8 AS pause_seconds,
    extract(epoch FROM max(t.now - coalesce(j.heartbeat_at, j.started_at, j.created_at))
        FILTER (WHERE j.state IN ('running', 'resuming')))::float8 AS heartbeat_seconds,
    extract(epoch FROM max(t.now - j.started_at) FILTER (WHERE j.state = 'running'))::float8 AS running_seconds,
    extract(epoch FROM min(j.sla_deadline_at - t.now))::float8 AS sla_seconds,
    count(*) FILTER (WHERE j.sla_deadline_at >= t.now
        AND greatest(j.estimated_completion_at, j.latest_completion_at) > j.sla_deadline_at) AS sla_at_risk,
    count(*) FILTER (WHERE j.sla_deadline_at < t.now) AS sla_breached,
    extract(epoch FROM max(j.earliest_completion_at - t.now))::float8 AS earliest_seconds,
    extract(epoch FROM max(j.estimated_completion_at - t.now))::float8 AS estimated_seconds,
    extract(epoch FROM max(j.latest_completion_at - t.now))::float8 AS latest_seconds,
    coalesce(sum(h.partitions), 0)::bigint AS held,
    extract(epoch FROM max(t.now - h.since))::float8 AS held_seconds,
    coalesce(sum(j.records_matched), 0)::bigint AS matched,
    coalesce(sum(j.records_updated + j.records_unchanged + j.records_skipped + j.records_failed + j.records_deleted), 0)
        ::bigint AS done
FROM (SELECT DISTINCT asset_name FROM backfill_jobs WHERE tenant_id = backfill_tenant()) AS names
CROSS JOIN (SELECT clock_timestamp() AS now) AS t
LEFT JOIN backfill_jobs j ON j.tenant_id = backfill_tenant() AND j.asset_name = names.asset_name
    AND j.state IN ('pending', 'running', 'paused', 'resuming')
LEFT JOIN LATERAL (
    SELECT count(*) AS partitions, min(p.held_since) AS since FROM backfill_partitions p
    WHERE p.backfill_job_id = j.id AND p.held_since IS NOT NULL AND p.state IN ('pending', 'running')
) h ON true
GROUP BY names.asset_name ORDER BY names.asset_name

-- Workers that live and serve the backfill of a job, the one that has had a partition of it in hand for longest first:
-- which, for how long in this attempt, and what each has done of the job, as counted and since. The rate is since both
-- the worker and the job had begun.
-- $1 job
WITH counted AS MATERIALIZED (
    SELECT r.snapshot, backfill_is_counted(r.snapshot, r.cluster) AS is_good
    FROM (SELECT) one LEFT JOIN backfill_rollups r ON r.backfill_job_id = $1
), since AS MATERIALIZED (
    SELECT worker_id, count(*) AS partitions, sum(records_updated) AS updated
    FROM counted, backfill_ended($1, CASE WHEN is_good THEN snapshot END) GROUP BY 1
)
SELECT w.id::text AS worker, w.host, w.pid,
       CASE WHEN w.stop_requested_at IS NULL THEN 'running' ELSE 'stopping' END AS state,
       extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float8 AS heartbeat_age_seconds, w.cpu_percent,
       w.memory_bytes, held.partition, held.partition_seconds,
       coalesce(held.running, 0) + coalesce(c.partitions, 0) + coalesce(s.partitions, 0) AS partitions,
       coalesce(c.updated, 0) + coalesce(s.updated, 0) AS updated,
       (coalesce(c.updated + s.updated, c.updated, s.updated) / nullif(extract(epoch FROM coalesce(j.completed_at, clock_timestamp())
           - greatest(w.started_at, j.started_at)), 0))::float8 AS rate
FROM backfill_jobs j
JOIN backfill_workers w ON w.tenant_id = j.tenant_id AND j.asset_name = ANY (w.backfills) AND backfill_is_alive(w)
LEFT JOIN since s ON s.worker_id = w.id
LEFT JOIN backfill_worker_counts c ON (SELECT is_good FROM counted) AND c.backfill_job_id = j.id AND c.worker_id = w.id
LEFT JOIN LATERAL (
    SELECT count(*) OVER () AS running, p.partition_key AS partition,
           extract(epoch FROM clock_timestamp() - coalesce(p.claimed_at, p.started_at))::float8 AS partition_seconds
    FROM backfill_partitions p
    WHERE p.backfill_job_id = j.id AND p.completed_at IS NULL
      AND (p.started_at IS NOT NULL OR p.state = 'running' OR p.not_before IS NOT NULL OR p.held_since IS NOT NULL)
      AND p.state = 'running' AND p.worker_id = w.id
    ORDER BY coalesce(p.claimed_at, p.started_at) LIMIT 1
) held ON true
WHERE j.id = $1 AND j.tenant_id = backfill_tenant()
ORDER BY held.partition_seconds DESC NULLS LAST, w.started_at, w.id

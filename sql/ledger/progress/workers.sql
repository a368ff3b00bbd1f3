-- Workers that live and serve a backfill, with what each has in hand of a job, for how long, and what it has committed.
-- $1 asset name, $2 job
SELECT w.host, w.pid, extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float8 AS heartbeat_age_seconds,
       coalesce(p.partitions, 0) AS partitions, p.first_partition, p.longest_seconds,
       coalesce(p.updated, 0) AS updated
FROM backfill_workers w
LEFT JOIN (
    SELECT worker_id, count(*) FILTER (WHERE state = 'running') AS partitions,
           min(partition_key) FILTER (WHERE state = 'running') AS first_partition,
           extract(epoch FROM clock_timestamp() - min(coalesce(claimed_at, started_at))
               FILTER (WHERE state = 'running'))::float8 AS longest_seconds,
           sum(records_updated) AS updated
    FROM backfill_partitions WHERE backfill_job_id = $2 GROUP BY worker_id
) p ON p.worker_id = w.id
WHERE w.tenant_id = backfill_tenant() AND $1 = ANY (w.backfills) AND backfill_is_alive(w)
ORDER BY w.started_at

-- Workers that live and serve a backfill, with what each has in hand of a job, for how long, and what it has committed.
-- $1 asset name, $2 job
WITH counted AS MATERIALIZED (
    SELECT r.snapshot, backfill_is_counted(r.snapshot, r.cluster) AS is_good
    FROM (SELECT) one LEFT JOIN backfill_rollups r ON r.backfill_job_id = $2
), begun AS (
    SELECT worker_id, count(*) FILTER (WHERE state = 'running') AS partitions,
           min(partition_key) FILTER (WHERE state = 'running') AS first_partition,
           extract(epoch FROM clock_timestamp() - min(coalesce(claimed_at, started_at))
               FILTER (WHERE state = 'running'))::float8 AS longest_seconds,
           sum(records_updated) AS updated
    FROM backfill_partitions
    WHERE backfill_job_id = $2 AND completed_at IS NULL
      AND (started_at IS NOT NULL OR state = 'running' OR not_before IS NOT NULL OR held_since IS NOT NULL)
    GROUP BY worker_id
), ended AS (
    SELECT worker_id, sum(updated) AS updated FROM (
        SELECT c.worker_id, c.updated FROM counted, backfill_worker_counts c
        WHERE counted.is_good AND c.backfill_job_id = $2
        UNION ALL
        SELECT e.worker_id, e.records_updated
        FROM counted, backfill_ended($2, CASE WHEN counted.is_good THEN counted.snapshot END) e
    ) one GROUP BY worker_id
)
SELECT w.host, w.pid, extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float8 AS heartbeat_age_seconds,
       w.cpu_percent, w.memory_bytes, coalesce(b.partitions, 0) AS partitions, b.first_partition, b.longest_seconds,
       (coalesce(b.updated, 0) + coalesce(e.updated, 0))::bigint AS updated
FROM backfill_workers w LEFT JOIN begun b ON b.worker_id = w.id LEFT JOIN ended e ON e.worker_id = w.id
WHERE w.tenant_id = backfill_tenant() AND $1 = ANY (w.backfills) AND backfill_is_alive(w)
ORDER BY w.started_at

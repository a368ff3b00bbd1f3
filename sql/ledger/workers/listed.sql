-- Workers that have not ended in order, also those that were last heard of within a day, with what each has claimed.
SELECT w.id, w.host, w.pid, w.backfills, w.concurrency, w.prefetch, w.lease_seconds, w.started_at,
       extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float8 AS heartbeat_age_seconds,
       CASE WHEN NOT backfill_is_alive(w) THEN 'gone' WHEN w.stop_requested_at IS NOT NULL THEN 'stopping'
           ELSE 'running' END AS state,
       w.stop_requested_at, w.stop_requested_by, w.counts, w.cpu_percent, w.memory_bytes,
       coalesce(h.holds, '[]') AS holds
FROM backfill_workers w LEFT JOIN (
    SELECT worker_id, jsonb_agg(jsonb_build_object('job', backfill_job_id, 'partition', partition_key, 'seconds',
        extract(epoch FROM clock_timestamp() - coalesce(claimed_at, started_at))::float8)
        ORDER BY coalesce(claimed_at, started_at), partition_key) AS holds
    FROM backfill_partitions WHERE state = 'running' AND completed_at IS NULL GROUP BY worker_id
) h ON h.worker_id = w.id
WHERE w.tenant_id = backfill_tenant() AND w.stopped_at IS NULL AND w.heartbeat_at > clock_timestamp() - interval '1 day'
ORDER BY w.started_at, w.id

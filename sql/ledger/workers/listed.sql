-- Workers that have not ended in order, also those that were last heard of within a day, with what each has claimed.
SELECT w.id, w.host, w.pid, w.backfills, w.concurrency, w.prefetch, w.lease_seconds, w.started_at,
       extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float8 AS heartbeat_age_seconds,
       CASE WHEN NOT backfill_is_alive(w) THEN 'gone' WHEN w.stop_requested_at IS NOT NULL THEN 'stopping'
           ELSE 'running' END AS state,
       w.stop_requested_at, w.stop_requested_by, w.counts,
       coalesce((
           SELECT jsonb_agg(jsonb_build_object('job', p.backfill_job_id, 'partition', p.partition_key, 'seconds',
               extract(epoch FROM clock_timestamp() - coalesce(p.claimed_at, p.started_at))::float8)
               ORDER BY p.claimed_at, p.partition_key)
           FROM backfill_partitions p WHERE p.worker_id = w.id AND p.state = 'running'
       ), '[]') AS holds
FROM backfill_workers w
WHERE w.tenant_id = backfill_tenant() AND w.stopped_at IS NULL AND w.heartbeat_at > clock_timestamp() - interval '1 day'
ORDER BY w.started_at, w.id

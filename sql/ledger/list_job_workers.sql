-- Workers that were heard of lately and serve a backfill, with what each has in hand of a job and for how long.
-- $1 asset name, $2 job
SELECT w.host, w.pid, w.counts,
       extract(epoch FROM clock_timestamp() - w.heartbeat_at)::float8 AS heartbeat_age_seconds,
       (SELECT count(*) FROM backfill_partitions p
        WHERE p.backfill_job_id = $2 AND p.state = 'running' AND p.worker_id = w.id) AS partitions,
       (SELECT min(p.partition_key) FROM backfill_partitions p
        WHERE p.backfill_job_id = $2 AND p.state = 'running' AND p.worker_id = w.id) AS first_partition,
       (SELECT extract(epoch FROM clock_timestamp() - min(p.started_at))::float8 FROM backfill_partitions p
        WHERE p.backfill_job_id = $2 AND p.state = 'running' AND p.worker_id = w.id) AS longest_seconds
FROM backfill_workers w
WHERE $1 = ANY (w.backfills) AND w.stopped_at IS NULL AND w.heartbeat_at > clock_timestamp() - interval '5 minutes'
ORDER BY w.started_at

-- A page of a job's partitions in order of work, each with the worker that had it last. The few of a state are found among
-- a million at once: along indexes of their own, and completed ones, where a job is large, by the bins that have any, as
-- counted and since. Where a job is to be counted anew, these are looked for one by one.
-- $1 job, $2 states, or NULL for all, $3 the last key of the page before, or NULL, $4 most rows, $5 and $6 the first and
-- the last key of a span, or NULL
WITH counted AS MATERIALIZED (
    SELECT r.snapshot, backfill_is_counted(r.snapshot, r.cluster) AS is_good
    FROM (SELECT) one LEFT JOIN backfill_rollups r ON r.backfill_job_id = $1
), whole AS MATERIALIZED (
    SELECT (SELECT NOT is_good FROM counted) OR coalesce(max(partition_key)::bigint, 0) <= 50000 AS is_walked
    FROM backfill_partitions WHERE backfill_job_id = $1
), bins AS (
    SELECT bin FROM backfill_bins WHERE backfill_job_id = $1 AND completed > 0
    UNION
    SELECT e.partition_key::bigint / 500 FROM counted, backfill_ended($1, snapshot) e WHERE e.state = 'completed'
), page AS (
    (SELECT id, partition_key FROM backfill_partitions
     WHERE $2::text[] IS NULL AND backfill_job_id = $1
       AND partition_key > coalesce($3, '') AND partition_key BETWEEN coalesce($5, '') AND coalesce($6, 'z')
     ORDER BY partition_key LIMIT $4)
    UNION ALL
    (SELECT id, partition_key FROM backfill_partitions
     WHERE 'pending' = ANY ($2) AND backfill_job_id = $1 AND state = 'pending'
       AND partition_key > coalesce($3, '') AND partition_key BETWEEN coalesce($5, '') AND coalesce($6, 'z')
     ORDER BY partition_key LIMIT $4)
    UNION ALL
    (SELECT id, partition_key FROM backfill_partitions
     WHERE 'running' = ANY ($2) AND backfill_job_id = $1 AND completed_at IS NULL
       AND (started_at IS NOT NULL OR state = 'running' OR not_before IS NOT NULL OR held_since IS NOT NULL)
       AND state = 'running'
       AND partition_key > coalesce($3, '') AND partition_key BETWEEN coalesce($5, '') AND coalesce($6, 'z')
     ORDER BY partition_key LIMIT $4)
    UNION ALL
    (SELECT id, partition_key FROM backfill_partitions
     WHERE backfill_job_id = $1 AND state IN ('failed', 'skipped') AND state = ANY ($2)
       AND partition_key > coalesce($3, '') AND partition_key BETWEEN coalesce($5, '') AND coalesce($6, 'z')
     ORDER BY partition_key LIMIT $4)
    UNION ALL
    (SELECT id, partition_key FROM backfill_partitions
     WHERE 'completed' = ANY ($2) AND (SELECT is_walked FROM whole) AND backfill_job_id = $1 AND state = 'completed'
       AND partition_key > coalesce($3, '') AND partition_key BETWEEN coalesce($5, '') AND coalesce($6, 'z')
     ORDER BY partition_key LIMIT $4)
    UNION ALL
    (SELECT p.id, p.partition_key
     FROM (SELECT bin FROM bins
           WHERE bin BETWEEN coalesce(greatest($3, $5)::bigint, 0) / 500 AND coalesce($6::bigint / 500, 2147483647)
           ORDER BY bin) b CROSS JOIN LATERAL (
         SELECT id, partition_key FROM backfill_partitions
         WHERE backfill_job_id = $1 AND state = 'completed'
           AND partition_key BETWEEN lpad((b.bin * 500)::text, 9, '0') AND lpad((b.bin * 500 + 499)::text, 9, '0')
           AND partition_key > coalesce($3, '') AND partition_key BETWEEN coalesce($5, '') AND coalesce($6, 'z')
         ORDER BY partition_key LIMIT $4) p
     WHERE 'completed' = ANY ($2) AND NOT (SELECT is_walked FROM whole)
     ORDER BY b.bin, p.partition_key LIMIT $4)
    ORDER BY partition_key LIMIT $4
)
SELECT p.partition_key, p.state, p.attempt_count, p.record_count, p.records_updated AS updated,
       p.records_unchanged AS unchanged, p.records_skipped AS skipped, p.records_failed AS failed,
       p.records_deleted AS deleted, p.duration_ms, p.worker_id AS worker, w.host, w.pid, p.started_at, p.completed_at,
       p.not_before, p.held_since, p.held_reason, p.error_message
FROM page JOIN backfill_partitions p ON p.id = page.id LEFT JOIN backfill_workers w ON w.id = p.worker_id
ORDER BY p.partition_key

-- How many partitions of each state are in each of so many spans of equal size, in order of work. Partitions are numbered
-- without gaps, so that a span's size is known. A job of few is counted. Of a larger one what has ended is what its bins of
-- five hundred say and what has ended since these were counted, all of it where that is to be done anew; what is in hand is
-- read.
-- $1 job, $2 most spans
WITH whole AS MATERIALIZED (
    SELECT total, total <= 50000 AS is_small,
           -- Partitions a span: of a larger job so many whole bins.
           CASE WHEN total <= 50000 THEN greatest((total + $2::bigint - 1) / $2::bigint, 1)
                ELSE ((total / 500 + $2::bigint) / $2::bigint) * 500 END AS size
    FROM (SELECT coalesce(max(partition_key)::bigint, 0) AS total
          FROM backfill_partitions WHERE backfill_job_id = $1) w
), counted AS MATERIALIZED (
    SELECT r.snapshot, backfill_is_counted(r.snapshot, r.cluster) AS is_good
    FROM (SELECT) one LEFT JOIN backfill_rollups r ON r.backfill_job_id = $1
), parts AS (
    SELECT (p.partition_key::bigint - 1) / size AS n,
           count(*) FILTER (WHERE p.state = 'completed') AS completed,
           count(*) FILTER (WHERE p.state = 'failed') AS failed,
           count(*) FILTER (WHERE p.state = 'skipped') AS skipped
    FROM whole JOIN backfill_partitions p ON is_small AND p.backfill_job_id = $1 GROUP BY 1
    UNION ALL
    SELECT b.bin * 500 / size, sum(b.completed), sum(b.failed), sum(b.skipped)
    FROM counted CROSS JOIN whole JOIN backfill_bins b ON is_good AND NOT is_small AND b.backfill_job_id = $1 GROUP BY 1
    UNION ALL
    SELECT e.partition_key::bigint / size, count(*) FILTER (WHERE e.state = 'completed'),
           count(*) FILTER (WHERE e.state = 'failed'), count(*) FILTER (WHERE e.state = 'skipped')
    FROM counted CROSS JOIN whole CROSS JOIN LATERAL backfill_ended(  -- of no job where it is small
        CASE WHEN NOT is_small THEN $1 END, CASE WHEN is_good THEN snapshot END) e GROUP BY 1
), ended AS (
    SELECT n, sum(completed) AS completed, sum(failed) AS failed, sum(skipped) AS skipped FROM parts GROUP BY 1
), in_hand AS (
    SELECT (partition_key::bigint - CASE WHEN is_small THEN 1 ELSE 0 END) / size AS n,
           count(*) FILTER (WHERE state = 'running') AS running,
           count(*) FILTER (WHERE held_since IS NOT NULL) AS held
    FROM whole, backfill_partitions
    WHERE backfill_job_id = $1 AND completed_at IS NULL
      AND (started_at IS NOT NULL OR state = 'running' OR not_before IS NOT NULL OR held_since IS NOT NULL)
    GROUP BY 1
), spans AS (
    -- The first bin has no partition of number 0.
    SELECT n, greatest(n * size + CASE WHEN is_small THEN 1 ELSE 0 END, 1) AS first,
           least((n + 1) * size - CASE WHEN is_small THEN 0 ELSE 1 END, total) AS last
    FROM whole CROSS JOIN LATERAL generate_series(
        0, CASE WHEN total = 0 THEN -1 WHEN is_small THEN (total - 1) / size ELSE total / size END) AS n
)
SELECT lpad(first::text, 9, '0') AS first_key, lpad(last::text, 9, '0') AS last_key, last - first + 1 AS partitions,
       last - first + 1 - coalesce(running, 0) - coalesce(completed + failed + skipped, 0)::bigint AS pending,
       coalesce(running, 0) AS running, coalesce(completed, 0)::bigint AS completed,
       coalesce(failed, 0)::bigint AS failed, coalesce(skipped, 0)::bigint AS skipped, coalesce(held, 0) AS held
FROM spans LEFT JOIN ended USING (n) LEFT JOIN in_hand USING (n)
ORDER BY n

-- The minute in which so many records of a job were done, by the partitions that have ended, as counted and since; no row:
-- not yet, or not known.
-- $1 job, $2 records
WITH counted AS MATERIALIZED (
    SELECT r.snapshot, backfill_is_counted(r.snapshot, r.cluster) AS is_good
    FROM (SELECT) one LEFT JOIN backfill_rollups r ON r.backfill_job_id = $1
), minutes AS (
    SELECT minute, updated + unchanged + skipped + failed + deleted AS done
    FROM counted, backfill_minutes WHERE is_good AND backfill_job_id = $1
    UNION ALL
    SELECT date_trunc('minute', completed_at, 'UTC'), record_count
    FROM counted, backfill_ended($1, CASE WHEN is_good THEN snapshot END)
)
SELECT minute FROM (
    SELECT minute, sum(sum(done)) OVER (ORDER BY minute) AS done FROM minutes GROUP BY minute
) m
WHERE done >= $2 ORDER BY minute LIMIT 1

-- Bring the counts, the mean duration and the estimate on the job row up to date from its partitions.
-- The duration is weighted: 0.4 for the newest partition, each older one of the last 20 counts 0.6 times the next.
-- The estimate takes the rates in ten equal spans of the last five minutes in which the job ran.
-- $1 job
WITH sums AS (
    SELECT count(*) AS total,
           count(*) FILTER (WHERE state = 'completed') AS completed,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           count(*) FILTER (WHERE state = 'skipped') AS skipped,
           coalesce(sum(record_count), 0) AS matched,
           coalesce(sum(records_updated), 0) AS updated,
           coalesce(sum(records_unchanged), 0) AS unchanged,
           coalesce(sum(records_skipped), 0) AS records_skipped,
           coalesce(sum(records_failed), 0) AS records_failed,
           coalesce(sum(records_deleted), 0) AS deleted,
           coalesce(sum(calls_made), 0) AS calls_made, coalesce(sum(calls_refused), 0) AS calls_refused,
           coalesce(sum(retried_recovered), 0) AS recovered, coalesce(sum(retried_failed), 0) AS retried_failed,
           coalesce(sum(record_count) FILTER (WHERE completed_at IS NULL), 0) AS records_open,
           min(partition_key) FILTER (WHERE state IN ('pending', 'running')) AS first_open,
           max(partition_key) AS last
    FROM backfill_partitions WHERE backfill_job_id = $1
), newest AS (
    SELECT duration_ms, row_number() OVER (ORDER BY completed_at DESC) - 1 AS age
    FROM backfill_partitions
    WHERE backfill_job_id = $1 AND completed_at IS NOT NULL AND duration_ms IS NOT NULL
    ORDER BY completed_at DESC LIMIT 20
), moment AS MATERIALIZED (
    SELECT clock_timestamp() AS now
), span AS (
    SELECT moment.now, greatest(running_since, moment.now - interval '5 minutes') AS since,
           extract(epoch FROM moment.now - greatest(running_since, moment.now - interval '5 minutes')) / 10 AS seconds
    FROM backfill_jobs, moment WHERE id = $1
), rates AS (
    SELECT n, coalesce(ended.records, 0) / nullif(span.seconds, 0) AS rate
    FROM span CROSS JOIN generate_series(0, 9) AS n
    LEFT JOIN (
        SELECT least(floor(extract(epoch FROM p.completed_at - s.since) / nullif(s.seconds, 0)), 9)::integer AS n,
               sum(p.record_count) AS records
        FROM span s JOIN backfill_partitions p ON p.backfill_job_id = $1 AND p.completed_at >= s.since
        GROUP BY 1
    ) ended USING (n)
), pace AS (
    -- Rounding must not put the mean beyond the best or the worst.
    SELECT mean, greatest(best, mean) AS best, least(worst, mean) AS worst
    FROM (SELECT avg(rate)::float8 AS mean, percentile_cont(0.9) WITHIN GROUP (ORDER BY rate::float8) AS best,
                 percentile_cont(0.1) WITHIN GROUP (ORDER BY rate::float8) AS worst
          FROM rates) r
)
UPDATE backfill_jobs j SET total_partitions = sums.total, completed_partitions = sums.completed,
    failed_partitions = sums.failed, skipped_partitions = sums.skipped, records_matched = sums.matched,
    records_updated = sums.updated, records_unchanged = sums.unchanged, records_skipped = sums.records_skipped,
    records_failed = sums.records_failed, records_deleted = sums.deleted,
    calls_made = sums.calls_made, calls_refused = sums.calls_refused, retried_recovered = sums.recovered,
    retried_failed = sums.retried_failed,
    checkpoint_partition_key = CASE
        WHEN sums.first_open IS NULL THEN sums.last
        ELSE (SELECT max(partition_key) FROM backfill_partitions
              WHERE backfill_job_id = $1 AND partition_key < sums.first_open) END,
    avg_partition_duration_ms = coalesce(
        (SELECT sum(duration_ms * 0.6 ^ age) / sum(0.6 ^ age) FROM newest), j.avg_partition_duration_ms),
    estimated_completion_at = CASE WHEN j.state = 'running' AND j.planned_at IS NOT NULL
        THEN span.now + make_interval(secs => sums.records_open / nullif(pace.mean, 0)) END,
    earliest_completion_at = CASE WHEN j.state = 'running' AND j.planned_at IS NOT NULL AND pace.mean > 0
        THEN span.now + make_interval(secs => sums.records_open / nullif(pace.best, 0)) END,
    latest_completion_at = CASE WHEN j.state = 'running' AND j.planned_at IS NOT NULL AND pace.mean > 0
        THEN span.now + make_interval(secs => sums.records_open / nullif(pace.worst, 0)) END,
    heartbeat_at = clock_timestamp()
FROM sums, pace, span
WHERE j.id = $1
RETURNING j.planned_at IS NOT NULL AND sums.first_open IS NULL AS ended, sums.failed,
    sums.completed + sums.failed + sums.skipped AS ended_partitions, sums.total

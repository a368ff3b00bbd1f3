-- When each active job will be done, as of now, and whether that is in time for its deadline.
-- The formula is the ledger's own (sql/ledger/jobs/roll_up.sql): records of partitions that have not ended, by the
-- rates in ten equal spans of the last five minutes in which the job ran; their mean makes the estimate, their best
-- and worst tenth the earliest and the latest end. The verdict is that of sql/ledger/progress/read.sql. A job that does
-- not run, or is still being planned, has no estimate; where nothing ended in the worst tenth, there is no latest end.
WITH moment AS MATERIALIZED (
    SELECT clock_timestamp() AS now
), span AS (
    SELECT j.id, moment.now, greatest(j.running_since, moment.now - interval '5 minutes') AS since,
           extract(epoch FROM moment.now - greatest(j.running_since, moment.now - interval '5 minutes')) / 10 AS seconds
    FROM backfill_jobs j, moment WHERE j.state = 'running' AND j.planned_at IS NOT NULL
), rates AS (
    SELECT span.id, n, coalesce(ended.records, 0) / nullif(span.seconds, 0) AS rate
    FROM span CROSS JOIN generate_series(0, 9) AS n
    LEFT JOIN (
        SELECT s.id, sum(p.record_count) AS records,
               least(floor(extract(epoch FROM p.completed_at - s.since) / nullif(s.seconds, 0)), 9)::integer AS n
        FROM span s JOIN backfill_partitions p ON p.backfill_job_id = s.id AND p.completed_at >= s.since
        GROUP BY 1, 3
    ) ended USING (id, n)
), pace AS (
    SELECT id, mean, greatest(best, mean) AS best, least(worst, mean) AS worst
    FROM (SELECT id, avg(rate)::float8 AS mean, percentile_cont(0.9) WITHIN GROUP (ORDER BY rate::float8) AS best,
                 percentile_cont(0.1) WITHIN GROUP (ORDER BY rate::float8) AS worst
          FROM rates GROUP BY id) r
), estimate AS (
    SELECT j.*, o.records_open, pace.mean, moment.now, o.records_open / nullif(pace.mean, 0) AS secs,
           CASE WHEN pace.mean > 0 THEN moment.now + make_interval(secs => o.records_open / pace.best) END AS earliest,
           CASE WHEN pace.mean > 0
               THEN moment.now + make_interval(secs => o.records_open / nullif(pace.worst, 0)) END AS latest
    FROM backfill_jobs j CROSS JOIN moment LEFT JOIN pace USING (id)
    CROSS JOIN LATERAL (SELECT coalesce(sum(record_count), 0) AS records_open FROM backfill_partitions
                        WHERE backfill_job_id = j.id AND completed_at IS NULL) o
    WHERE j.completed_at IS NULL
)
SELECT asset_name, id AS job, state, records_open, round(mean::numeric, 1) AS records_per_second,
       round(secs::numeric) AS seconds_left, earliest AS earliest_completion_at,
       now + make_interval(secs => secs) AS estimated_completion_at, latest AS latest_completion_at, sla_deadline_at,
       CASE WHEN sla_deadline_at IS NULL THEN NULL
            WHEN now > sla_deadline_at THEN 'breached'
            WHEN latest > sla_deadline_at OR now + make_interval(secs => secs) > sla_deadline_at THEN 'at_risk'
            ELSE 'on_time' END AS sla
FROM estimate ORDER BY created_at DESC;

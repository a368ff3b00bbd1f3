-- The last changes of how a job is worked on, the oldest first, and the rates of the whole minutes up to five before and
-- behind each, which end at the change before and at the next one; NULL where there is no whole minute.
-- $1 job, $2 most changes
WITH counted AS MATERIALIZED (
    SELECT r.snapshot, backfill_is_counted(r.snapshot, r.cluster) AS is_good
    FROM (SELECT) one LEFT JOIN backfill_rollups r ON r.backfill_job_id = $1
), since AS MATERIALIZED (
    SELECT date_trunc('minute', completed_at, 'UTC') AS minute, sum(record_count) AS done
    FROM counted, backfill_ended($1, CASE WHEN is_good THEN snapshot END) GROUP BY 1
), changes AS MATERIALIZED (
    SELECT id, at, event, actor, details, date_trunc('minute', at, 'UTC') AS minute FROM backfill_events
    WHERE backfill_job_id = $1 AND event IN ('job.set', 'job.definition_accepted') ORDER BY id DESC LIMIT $2
), spans AS (
    SELECT c.*,
           greatest(c.minute - interval '5 minutes', coalesce(j.started_at, j.created_at),
                    lag(c.minute) OVER w + interval '1 minute') AS since,
           c.minute + interval '1 minute' AS behind,
           least(c.minute + interval '6 minutes', lead(c.minute) OVER w,
                 coalesce(j.completed_at, date_trunc('minute', clock_timestamp(), 'UTC'))) AS until
    FROM changes c CROSS JOIN backfill_jobs j WHERE j.id = $1
    WINDOW w AS (ORDER BY c.id)
)
SELECT at, event, actor, details,
       (SELECT sum(done)::float8 FROM (
            SELECT m.updated + m.unchanged + m.skipped + m.failed + m.deleted AS done FROM backfill_minutes m
            WHERE (SELECT is_good FROM counted) AND m.backfill_job_id = $1
              AND m.minute >= date_trunc('minute', since, 'UTC') AND m.minute < s.minute
            UNION ALL
            SELECT m.done FROM since m WHERE m.minute >= date_trunc('minute', since, 'UTC') AND m.minute < s.minute) m)
           / nullif(greatest(extract(epoch FROM s.minute - since), 0), 0)::float8 AS rate_before,
       (SELECT sum(done)::float8 FROM (
            SELECT m.updated + m.unchanged + m.skipped + m.failed + m.deleted AS done FROM backfill_minutes m
            WHERE (SELECT is_good FROM counted) AND m.backfill_job_id = $1
              AND m.minute >= behind AND m.minute < until
            UNION ALL
            SELECT m.done FROM since m WHERE m.minute >= behind AND m.minute < until) m)
           / nullif(greatest(extract(epoch FROM until - behind), 0), 0)::float8 AS rate_after
FROM spans s ORDER BY id

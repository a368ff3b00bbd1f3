-- The last changes of how a job is worked on, the oldest first, and the rates of the whole minutes up to five before and
-- behind each, which end at the change before and at the next one; NULL where there is no whole minute.
-- $1 job, $2 most changes
WITH changes AS MATERIALIZED (
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
       (SELECT sum(m.updated + m.unchanged + m.skipped + m.failed + m.deleted)::float8 FROM backfill_minutes m
        WHERE m.backfill_job_id = $1 AND m.minute >= date_trunc('minute', since, 'UTC') AND m.minute < s.minute)
           / nullif(greatest(extract(epoch FROM s.minute - since), 0), 0)::float8 AS rate_before,
       (SELECT sum(m.updated + m.unchanged + m.skipped + m.failed + m.deleted)::float8 FROM backfill_minutes m
        WHERE m.backfill_job_id = $1 AND m.minute >= behind AND m.minute < until)
           / nullif(greatest(extract(epoch FROM until - behind), 0), 0)::float8 AS rate_after
FROM spans s ORDER BY id

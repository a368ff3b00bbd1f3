-- What a job came to in each of its last minutes, those in which nothing ended too, the oldest first, and how many seconds
-- of that minute it has had: as counted, and what has ended since, all of it where that is to be counted anew.
-- $1 job, $2 most minutes
WITH counted AS MATERIALIZED (
    SELECT r.snapshot, backfill_is_counted(r.snapshot, r.cluster) AS is_good
    FROM (SELECT) one LEFT JOIN backfill_rollups r ON r.backfill_job_id = $1
), since AS MATERIALIZED (
    SELECT date_trunc('minute', completed_at, 'UTC') AS minute, count(*) AS partitions, sum(records_updated) AS updated,
           sum(records_unchanged) AS unchanged, sum(records_skipped) AS skipped, sum(records_failed) AS failed,
           sum(records_deleted) AS deleted
    FROM counted, backfill_ended($1, CASE WHEN is_good THEN snapshot END) GROUP BY 1
), run AS MATERIALIZED (
    SELECT coalesce(started_at, created_at) AS since,
           greatest(coalesce(completed_at, clock_timestamp()),
                    (SELECT max(minute) FROM since),
                    (SELECT max(minute) FROM backfill_minutes WHERE backfill_job_id = $1)) AS until
    FROM backfill_jobs WHERE id = $1
)
SELECT n.minute, coalesce(m.partitions, 0) + coalesce(s.partitions, 0) AS partitions,
       coalesce(m.updated, 0) + coalesce(s.updated, 0) AS updated,
       coalesce(m.unchanged, 0) + coalesce(s.unchanged, 0) AS unchanged,
       coalesce(m.skipped, 0) + coalesce(s.skipped, 0) AS skipped, coalesce(m.failed, 0) + coalesce(s.failed, 0) AS failed,
       coalesce(m.deleted, 0) + coalesce(s.deleted, 0) AS deleted,
       extract(epoch FROM least(n.minute + interval '1 minute', until) - greatest(n.minute, since))::float8 AS seconds
FROM run CROSS JOIN LATERAL generate_series(
    greatest(date_trunc('minute', since, 'UTC'), date_trunc('minute', until, 'UTC') - make_interval(mins => $2 - 1)),
    date_trunc('minute', until, 'UTC'), interval '1 minute') AS n (minute)
LEFT JOIN backfill_minutes m ON (SELECT is_good FROM counted) AND m.backfill_job_id = $1 AND m.minute = n.minute
LEFT JOIN since s ON s.minute = n.minute
ORDER BY n.minute

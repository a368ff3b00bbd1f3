-- How far a job is, from its partitions as they are committed now.
-- $1 job, $2 seconds to look back for the throughput
SELECT
    count(*) AS total_partitions,
    count(*) FILTER (WHERE state = 'completed') AS completed_partitions,
    count(*) FILTER (WHERE state = 'failed') AS failed_partitions,
    count(*) FILTER (WHERE state = 'skipped') AS skipped_partitions,
    count(*) FILTER (WHERE state = 'running') AS running_partitions,
    count(*) FILTER (WHERE state = 'pending' AND held_since IS NULL AND not_before > clock_timestamp())
        AS waiting_partitions,
    min(not_before) FILTER (WHERE state = 'pending' AND held_since IS NULL AND not_before > clock_timestamp())
        AS next_retry_at,
    count(*) FILTER (WHERE state IN ('pending', 'running') AND held_since IS NOT NULL) AS held_partitions,
    min(held_since) FILTER (WHERE state IN ('pending', 'running')) AS held_since,
    (array_agg(held_reason ORDER BY held_since)
        FILTER (WHERE state IN ('pending', 'running') AND held_since IS NOT NULL))[1] AS held_reason,
    coalesce(sum(record_count), 0)::bigint AS records_matched,
    coalesce(sum(records_updated), 0)::bigint AS records_updated,
    coalesce(sum(records_unchanged), 0)::bigint AS records_unchanged,
    coalesce(sum(records_skipped), 0)::bigint AS records_skipped,
    coalesce(sum(records_failed), 0)::bigint AS records_failed,
    coalesce(sum(records_deleted), 0)::bigint AS records_deleted,
    coalesce(sum(record_count) FILTER (WHERE completed_at > clock_timestamp() - make_interval(secs => $2)), 0)::bigint
        AS recent_records,
    extract(epoch FROM clock_timestamp() - greatest(min(started_at), clock_timestamp() - make_interval(secs => $2)))
        ::float8 AS recent_seconds,
    extract(epoch FROM max(completed_at) - min(started_at))::float8 AS busy_seconds,
    (SELECT CASE WHEN estimated_completion_at IS NOT NULL THEN
         greatest(extract(epoch FROM estimated_completion_at - clock_timestamp())::float8, 0) END
     FROM backfill_jobs WHERE id = $1) AS seconds_left,
    (SELECT CASE
         WHEN sla_deadline_at IS NULL THEN NULL
         WHEN coalesce(completed_at, clock_timestamp()) > sla_deadline_at THEN 'breached'
         WHEN latest_completion_at > sla_deadline_at OR estimated_completion_at > sla_deadline_at THEN 'at_risk'
         ELSE 'on_time' END
     FROM backfill_jobs WHERE id = $1) AS sla,
    (SELECT coalesce(jsonb_object_agg(reason, n), '{}') FROM (
        SELECT r.key AS reason, sum(r.value::bigint) AS n
        FROM backfill_partitions s, jsonb_each_text(s.skip_reasons) r
        WHERE s.backfill_job_id = $1 AND s.skip_reasons <> '{}' GROUP BY r.key) reasons) AS skip_reasons,
    (SELECT e.reason FROM backfill_events e JOIN backfill_jobs j ON j.id = e.backfill_job_id
     WHERE j.id = $1 AND j.state = 'paused' AND e.to_state = 'paused' ORDER BY e.id DESC LIMIT 1) AS pause_reason,
    (SELECT e.actor FROM backfill_events e JOIN backfill_jobs j ON j.id = e.backfill_job_id
     WHERE j.id = $1 AND j.state = 'paused' AND e.to_state = 'paused' ORDER BY e.id DESC LIMIT 1) AS paused_by,
    (SELECT at FROM backfill_events WHERE backfill_job_id = $1 AND to_state IS NOT NULL ORDER BY id DESC LIMIT 1)
        AS state_since
FROM backfill_partitions WHERE backfill_job_id = $1

-- What is left of each active job: records, partitions by state, retries that wait or are due, and what is held up.
-- Of a job that is still being planned (is_planned false) more may come.
SELECT j.asset_name, j.id AS job, j.state, j.planned_at IS NOT NULL AS is_planned, p.*
FROM backfill_jobs j CROSS JOIN LATERAL (
    SELECT coalesce(sum(record_count - records_updated - records_unchanged - records_skipped - records_failed
                        - records_deleted), 0) AS records_left,
           count(*) FILTER (WHERE state = 'pending') AS pending,
           count(*) FILTER (WHERE state = 'running') AS running,
           count(*) FILTER (WHERE state = 'completed') AS completed,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           count(*) FILTER (WHERE state = 'skipped') AS skipped,
           count(*) FILTER (WHERE is_retry AND not_before > clock_timestamp()) AS retries_waiting,
           count(*) FILTER (WHERE is_retry AND not_before <= clock_timestamp()) AS retries_due,
           min(not_before) FILTER (WHERE is_retry) AS next_retry_at,
           count(*) FILTER (WHERE is_held) AS held,
           round(extract(epoch FROM clock_timestamp() - min(held_since) FILTER (WHERE is_held))) AS held_secs,
           (array_agg(held_reason ORDER BY held_since) FILTER (WHERE is_held))[1] AS held_reason
    FROM (SELECT *, state = 'pending' AND not_before IS NOT NULL AND held_since IS NULL AS is_retry,
                 state IN ('pending', 'running') AND held_since IS NOT NULL AS is_held
          FROM backfill_partitions WHERE backfill_job_id = j.id) one
) p
WHERE j.state IN ('pending', 'running', 'paused', 'resuming') ORDER BY j.created_at DESC;

-- Bring the counts, the mean duration and the estimate on the job row up to date: from what is counted of its ended
-- partitions, from those that have ended since, and from those that have begun: as of one moment, so that a partition which
-- ends meanwhile is in one of them. No row: there is no such job any more.
-- The duration is weighted: 0.4 for the newest partition, each older one of the last 20 counts 0.6 times the next.
-- The estimate takes the rates in ten equal spans of the last five minutes in which the job ran; where many partitions ended
-- in these, by the second.
-- Alone in its transaction it need not survive a crash of the database: the next one counts the same again.
-- A function, so that the job's row is held for as long as the server counts, and never for a client that stands still.
CREATE OR REPLACE FUNCTION backfill_roll_up(the_job uuid, anew boolean, is_alone boolean) RETURNS TABLE (
    ended boolean, failed bigint, ended_partitions bigint, total bigint
) LANGUAGE plpgsql ROWS 1 AS $$
#variable_conflict use_column
BEGIN
    IF is_alone THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    -- First the row, then the sums: of two processes the one that writes last has also read last.
    PERFORM FROM backfill_jobs WHERE id = the_job FOR NO KEY UPDATE;
    IF anew OR NOT backfill_count_ended(the_job, false) THEN
        PERFORM backfill_forget_counts(the_job);
        PERFORM backfill_count_ended(the_job, true);
    END IF;
    RETURN QUERY
    WITH stored AS MATERIALIZED (
        SELECT * FROM backfill_rollups WHERE backfill_job_id = the_job
    ), since AS (  -- without a snapshot everything is counted just now, also what the caller has ended himself
        SELECT count(*) FILTER (WHERE state = 'completed') AS completed, count(*) FILTER (WHERE state = 'failed') AS failed,
               count(*) FILTER (WHERE state = 'skipped') AS skipped,
               coalesce(sum(e.records_updated), 0) AS updated, coalesce(sum(e.records_unchanged), 0) AS unchanged,
               coalesce(sum(e.records_skipped), 0) AS records_skipped, coalesce(sum(e.records_failed), 0) AS records_failed,
               coalesce(sum(e.records_deleted), 0) AS deleted,
               coalesce(sum(e.calls_made), 0) AS calls_made, coalesce(sum(e.calls_refused), 0) AS calls_refused,
               coalesce(sum(e.retried_recovered), 0) AS recovered, coalesce(sum(e.retried_failed), 0) AS retried_failed
        FROM stored, backfill_ended(the_job, stored.snapshot) e WHERE stored.snapshot IS NOT NULL
    ), counted AS MATERIALIZED (
        SELECT r.partitions, r.records, r.completed + s.completed AS completed, r.failed + s.failed AS failed,
               r.skipped + s.skipped AS skipped, r.records_updated + s.updated AS records_updated,
               r.records_unchanged + s.unchanged AS records_unchanged, r.records_skipped + s.records_skipped AS records_skipped,
               r.records_failed + s.records_failed AS records_failed, r.records_deleted + s.deleted AS records_deleted,
               r.calls_made + s.calls_made AS calls_made, r.calls_refused + s.calls_refused AS calls_refused,
               r.retried_recovered + s.recovered AS retried_recovered, r.retried_failed + s.retried_failed AS retried_failed,
               r.recent_second, r.recent_records
        FROM stored r, since s
    ), begun AS (
        SELECT coalesce(sum(records_updated), 0) AS updated, coalesce(sum(records_unchanged), 0) AS unchanged,
               coalesce(sum(records_skipped), 0) AS skipped, coalesce(sum(records_failed), 0) AS failed,
               coalesce(sum(records_deleted), 0) AS deleted,
               coalesce(sum(calls_made), 0) AS calls_made, coalesce(sum(calls_refused), 0) AS calls_refused,
               coalesce(sum(retried_recovered), 0) AS recovered, coalesce(sum(retried_failed), 0) AS retried_failed
        FROM backfill_partitions
        WHERE backfill_job_id = the_job AND completed_at IS NULL
          AND (started_at IS NOT NULL OR state = 'running' OR not_before IS NOT NULL OR held_since IS NOT NULL)
    ), first_open AS MATERIALIZED (
        -- Whatever is behind the checkpoint has ended, and leaves dead entries in the index.
        SELECT partition_key FROM backfill_partitions
        WHERE backfill_job_id = the_job AND state IN ('pending', 'running')
          AND partition_key > (SELECT coalesce(checkpoint_partition_key, '') FROM backfill_jobs WHERE id = the_job)
        ORDER BY partition_key LIMIT 1
    ), last AS MATERIALIZED (
        SELECT completed_at, duration_ms, record_count FROM backfill_partitions
        WHERE backfill_job_id = the_job AND ended_xid IS NOT NULL
        ORDER BY ended_xid DESC LIMIT 400
    ), newest AS (
        SELECT duration_ms, row_number() OVER (ORDER BY completed_at DESC) - 1 AS age
        FROM last WHERE duration_ms IS NOT NULL
        ORDER BY completed_at DESC LIMIT 20
    ), moment AS MATERIALIZED (
        SELECT clock_timestamp() AS now
    ), span AS MATERIALIZED (
        SELECT moment.now, greatest(running_since, moment.now - interval '5 minutes') AS since,
               extract(epoch FROM moment.now - greatest(running_since, moment.now - interval '5 minutes')) / 10 AS seconds
        FROM backfill_jobs, moment WHERE id = the_job
    ), is_all AS MATERIALIZED (  -- whether the last ones are all that ended in the span
        SELECT coalesce(min(last.completed_at) < span.since, true) AND count(*) = 400
            OR count(last.completed_at) = counted.completed + counted.failed + counted.skipped AS yes
        FROM span CROSS JOIN counted LEFT JOIN last ON true
        GROUP BY span.since, counted.completed, counted.failed, counted.skipped
    ), recent AS (
        SELECT completed_at AS at, record_count AS records FROM last WHERE (SELECT yes FROM is_all)
        UNION ALL
        SELECT to_timestamp(counted.recent_second - cardinality(counted.recent_records) + s.n + 0.5), s.records
        FROM counted, unnest(counted.recent_records) WITH ORDINALITY AS s (records, n)
        WHERE s.records > 0 AND (SELECT NOT yes FROM is_all)
    ), rates AS (
        SELECT n, coalesce(ended.records, 0) / nullif(span.seconds, 0) AS rate
        FROM span CROSS JOIN generate_series(0, 9) AS n
        LEFT JOIN (
            SELECT least(floor(extract(epoch FROM r.at - s.since) / nullif(s.seconds, 0)), 9)::integer AS n,
                   sum(r.records) AS records
            FROM span s JOIN recent r ON r.at >= s.since
            GROUP BY 1
        ) ended USING (n)
    ), pace AS (
        -- Rounding must not put the mean beyond the best or the worst.
        SELECT mean, greatest(best, mean) AS best, least(worst, mean) AS worst
        FROM (SELECT avg(rate)::float8 AS mean, percentile_cont(0.9) WITHIN GROUP (ORDER BY rate::float8) AS best,
                     percentile_cont(0.1) WITHIN GROUP (ORDER BY rate::float8) AS worst
              FROM rates) r
    ), sums AS (
        SELECT counted.*, records - records_updated - records_unchanged - records_skipped - records_failed - records_deleted
                   AS records_open
        FROM counted
    )
    UPDATE backfill_jobs j SET total_partitions = sums.partitions, completed_partitions = sums.completed,
        failed_partitions = sums.failed, skipped_partitions = sums.skipped, records_matched = sums.records,
        records_updated = sums.records_updated + begun.updated, records_unchanged = sums.records_unchanged + begun.unchanged,
        records_skipped = sums.records_skipped + begun.skipped, records_failed = sums.records_failed + begun.failed,
        records_deleted = sums.records_deleted + begun.deleted,
        calls_made = sums.calls_made + begun.calls_made, calls_refused = sums.calls_refused + begun.calls_refused,
        retried_recovered = sums.retried_recovered + begun.recovered,
        retried_failed = sums.retried_failed + begun.retried_failed,
        checkpoint_partition_key = CASE
            WHEN (SELECT partition_key FROM first_open) IS NULL
                THEN (SELECT max(partition_key) FROM backfill_partitions WHERE backfill_job_id = the_job)
            ELSE (SELECT max(partition_key) FROM backfill_partitions
                  WHERE backfill_job_id = the_job AND partition_key < (SELECT partition_key FROM first_open)) END,
        avg_partition_duration_ms = coalesce(
            (SELECT sum(duration_ms * 0.6 ^ age) / sum(0.6 ^ age) FROM newest), j.avg_partition_duration_ms),
        estimated_completion_at = CASE WHEN j.state = 'running' AND j.planned_at IS NOT NULL
            THEN span.now + make_interval(secs => sums.records_open / nullif(pace.mean, 0)) END,
        earliest_completion_at = CASE WHEN j.state = 'running' AND j.planned_at IS NOT NULL AND pace.mean > 0
            THEN span.now + make_interval(secs => sums.records_open / nullif(pace.best, 0)) END,
        latest_completion_at = CASE WHEN j.state = 'running' AND j.planned_at IS NOT NULL AND pace.mean > 0
            THEN span.now + make_interval(secs => sums.records_open / nullif(pace.worst, 0)) END,
        heartbeat_at = CASE WHEN j.completed_at IS NULL THEN clock_timestamp() ELSE j.heartbeat_at END
    FROM sums, begun, pace, span
    WHERE j.id = the_job
    RETURNING j.planned_at IS NOT NULL AND NOT EXISTS (SELECT FROM first_open) AS ended, sums.failed,
        sums.completed + sums.failed + sums.skipped AS ended_partitions, sums.partitions AS total;
END
$$;

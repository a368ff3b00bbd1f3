-- Count the partitions that have ended since a job was counted last: those that its snapshot does not see. The caller holds
-- the job's row. False: the job is to be counted anew, for which `backfill_forget_counts` comes first, and what has ever
-- ended is counted.
CREATE OR REPLACE FUNCTION backfill_count_ended(the_job uuid, anew boolean) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    WITH counted AS MATERIALIZED (
        SELECT * FROM backfill_rollups
        WHERE backfill_job_id = the_job AND (anew OR backfill_is_counted(snapshot, cluster))
    ), ended AS MATERIALIZED (
        SELECT e.* FROM counted, backfill_ended(the_job, CASE WHEN NOT anew THEN counted.snapshot END) e
        WHERE anew OR e.ended_xid <> pg_current_xact_id()
    ), planned AS (
        SELECT p.* FROM counted, backfill_planned(the_job) p WHERE anew
    ), sums AS (
        SELECT count(*) AS partitions,
               count(*) FILTER (WHERE state = 'completed') AS completed,
               count(*) FILTER (WHERE state = 'failed') AS failed,
               count(*) FILTER (WHERE state = 'skipped') AS skipped,
               coalesce(sum(records_updated), 0) AS updated, coalesce(sum(records_unchanged), 0) AS unchanged,
               coalesce(sum(records_skipped), 0) AS records_skipped, coalesce(sum(records_failed), 0) AS records_failed,
               coalesce(sum(records_deleted), 0) AS deleted,
               coalesce(sum(calls_made), 0) AS calls_made, coalesce(sum(calls_refused), 0) AS calls_refused,
               coalesce(sum(retried_recovered), 0) AS recovered, coalesce(sum(retried_failed), 0) AS retried_failed,
               min(started_at) AS first_started_at, max(completed_at) AS last_completed_at,
               bool_or(skip_reasons <> '{}') AS has_reasons
        FROM ended
    ), reasons AS (  -- bounded, as each partition's own
        SELECT jsonb_object_agg(reason, n) AS named FROM (
            SELECT CASE WHEN place <= 1000 THEN key ELSE 'other reasons' END AS reason, sum(n) AS n FROM (
                SELECT key, sum(value::bigint) AS n,
                       row_number() OVER (ORDER BY key = 'other reasons', sum(value::bigint) DESC, key) AS place
                FROM (SELECT key, value FROM counted, jsonb_each_text(counted.skip_reasons)
                      UNION ALL SELECT key, value FROM ended, jsonb_each_text(ended.skip_reasons)) r
                WHERE (SELECT has_reasons FROM sums) GROUP BY key) s
            GROUP BY 1) t
    ), moment AS (
        SELECT floor(extract(epoch FROM clock_timestamp()))::bigint AS second
    ), seconds AS (
        SELECT array_agg(coalesce(counted.recent_records[s.second - counted.recent_second + 301], 0)
                         + coalesce(e.records, 0)::integer ORDER BY s.second) AS records
        FROM counted CROSS JOIN moment
        CROSS JOIN LATERAL (SELECT generate_series(moment.second - 300, moment.second) AS second) s
        LEFT JOIN (SELECT least(floor(extract(epoch FROM completed_at))::bigint, moment.second) AS second,
                          sum(record_count) AS records
                   FROM ended, moment GROUP BY 1) e ON e.second = s.second
        WHERE (SELECT partitions > 0 FROM sums)
    ), minutes AS (
        INSERT INTO backfill_minutes AS m (tenant_id, backfill_job_id, minute, partitions, updated, unchanged, skipped, failed,
            deleted, calls_made, calls_refused, seconds)
        SELECT counted.tenant_id, the_job, date_trunc('minute', completed_at, 'UTC'), count(*), sum(ended.records_updated),
               sum(ended.records_unchanged), sum(ended.records_skipped), sum(ended.records_failed), sum(ended.records_deleted),
               sum(ended.calls_made), sum(ended.calls_refused), coalesce(sum(duration_ms), 0) / 1000
        FROM ended, counted GROUP BY 1, 3
        ON CONFLICT (backfill_job_id, minute) DO UPDATE SET partitions = m.partitions + excluded.partitions,
            updated = m.updated + excluded.updated, unchanged = m.unchanged + excluded.unchanged,
            skipped = m.skipped + excluded.skipped, failed = m.failed + excluded.failed,
            deleted = m.deleted + excluded.deleted, calls_made = m.calls_made + excluded.calls_made,
            calls_refused = m.calls_refused + excluded.calls_refused, seconds = m.seconds + excluded.seconds
    ), bins AS (
        INSERT INTO backfill_bins AS b (tenant_id, backfill_job_id, bin, completed, failed, skipped)
        SELECT counted.tenant_id, the_job, ended.partition_key::bigint / 500, count(*) FILTER (WHERE state = 'completed'),
               count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'skipped')
        FROM ended, counted
        WHERE CASE WHEN length(ended.partition_key) BETWEEN 1 AND 18 THEN ltrim(ended.partition_key, '0123456789') = '' END
        GROUP BY 1, 3
        ON CONFLICT (backfill_job_id, bin) DO UPDATE SET completed = b.completed + excluded.completed,
            failed = b.failed + excluded.failed, skipped = b.skipped + excluded.skipped
    ), workers AS (
        INSERT INTO backfill_worker_counts AS w (tenant_id, backfill_job_id, worker_id, partitions, updated, seconds)
        SELECT counted.tenant_id, the_job, worker_id, count(*), sum(ended.records_updated), coalesce(sum(duration_ms), 0) / 1000
        FROM ended, counted WHERE worker_id IS NOT NULL GROUP BY 1, 3
        ON CONFLICT (backfill_job_id, worker_id) DO UPDATE SET partitions = w.partitions + excluded.partitions,
            updated = w.updated + excluded.updated, seconds = w.seconds + excluded.seconds
    )
    UPDATE backfill_rollups r SET
        -- What this transaction has ended itself, it could not tell from what it may end yet.
        snapshot = CASE WHEN NOT EXISTS (
            SELECT FROM backfill_partitions WHERE backfill_job_id = the_job AND ended_xid = pg_current_xact_id())
            THEN pg_current_snapshot() END,
        cluster = backfill_cluster(),
        partitions = coalesce((SELECT partitions FROM planned), r.partitions),
        records = coalesce((SELECT records FROM planned), r.records),
        completed = r.completed + sums.completed, failed = r.failed + sums.failed, skipped = r.skipped + sums.skipped,
        records_updated = r.records_updated + sums.updated, records_unchanged = r.records_unchanged + sums.unchanged,
        records_skipped = r.records_skipped + sums.records_skipped, records_failed = r.records_failed + sums.records_failed,
        records_deleted = r.records_deleted + sums.deleted, calls_made = r.calls_made + sums.calls_made,
        calls_refused = r.calls_refused + sums.calls_refused, retried_recovered = r.retried_recovered + sums.recovered,
        retried_failed = r.retried_failed + sums.retried_failed,
        skip_reasons = coalesce((SELECT named FROM reasons), r.skip_reasons),
        first_started_at = least(r.first_started_at, sums.first_started_at),
        last_completed_at = greatest(r.last_completed_at, sums.last_completed_at),
        recent_second = CASE WHEN sums.partitions > 0 THEN moment.second ELSE r.recent_second END,
        recent_records = coalesce((SELECT records FROM seconds), r.recent_records)
    FROM counted, sums, moment
    WHERE r.backfill_job_id = the_job;
    RETURN FOUND;
END
$$;

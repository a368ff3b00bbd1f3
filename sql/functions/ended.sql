-- The partitions of a job that have ended and that a snapshot does not see; with NULL all that have ever ended. While a
-- transaction that writes is open for long, what ended behind its beginning is looked at again and again, and told once.
-- A function, so that the planner neither prepares for the long way when the short one is taken, nor takes it by mistake.
CREATE OR REPLACE FUNCTION backfill_ended(the_job uuid, since pg_snapshot) RETURNS TABLE (
    ended_xid xid8, state text, partition_key text, worker_id uuid, record_count integer, records_updated integer,
    records_unchanged integer, records_skipped integer, records_failed integer, records_deleted integer, skip_reasons jsonb,
    calls_made bigint, calls_refused bigint, retried_recovered integer, retried_failed integer, duration_ms double precision,
    started_at timestamptz, completed_at timestamptz
) LANGUAGE plpgsql STABLE ROWS 100 AS $$
#variable_conflict use_column
BEGIN
    IF since IS NULL THEN
        RETURN QUERY SELECT p.ended_xid, p.state, p.partition_key, p.worker_id, p.record_count, p.records_updated,
            p.records_unchanged, p.records_skipped, p.records_failed, p.records_deleted, p.skip_reasons, p.calls_made,
            p.calls_refused, p.retried_recovered, p.retried_failed, p.duration_ms, p.started_at, p.completed_at
        FROM backfill_partitions p WHERE p.backfill_job_id = the_job AND p.completed_at IS NOT NULL;
        RETURN;
    END IF;
    -- Two bounds, though no row lies behind the second: of one that it does not know the planner expects a third of all.
    RETURN QUERY SELECT p.ended_xid, p.state, p.partition_key, p.worker_id, p.record_count, p.records_updated,
        p.records_unchanged, p.records_skipped, p.records_failed, p.records_deleted, p.skip_reasons, p.calls_made,
        p.calls_refused, p.retried_recovered, p.retried_failed, p.duration_ms, p.started_at, p.completed_at
    FROM backfill_partitions p
    WHERE p.backfill_job_id = the_job AND NOT pg_visible_in_snapshot(p.ended_xid, since)
      AND p.ended_xid >= (SELECT pg_snapshot_xmin(since)) AND p.ended_xid <= (SELECT '18446744073709551615'::xid8);
END
$$;

-- Forget what was counted of a job, whose row the caller holds, so that it is counted anew. What seems to have been ended by
-- a transaction that is open, or yet to come, was ended in another cluster, from which this ledger was restored.
CREATE OR REPLACE FUNCTION backfill_forget_counts(the_job uuid) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    WITH minutes AS (
        DELETE FROM backfill_minutes WHERE backfill_job_id = the_job
    ), bins AS (
        DELETE FROM backfill_bins WHERE backfill_job_id = the_job
    ), workers AS (
        DELETE FROM backfill_worker_counts WHERE backfill_job_id = the_job
    ), restored AS (
        UPDATE backfill_partitions SET ended_xid = NULL
        WHERE backfill_job_id = the_job AND ended_xid IS NOT NULL AND ended_xid <> pg_current_xact_id()
          AND NOT pg_visible_in_snapshot(ended_xid, pg_current_snapshot())
    )
    INSERT INTO backfill_rollups AS r (backfill_job_id, tenant_id) SELECT id, tenant_id FROM backfill_jobs WHERE id = the_job
    ON CONFLICT (backfill_job_id) DO UPDATE SET snapshot = NULL, cluster = NULL, partitions = 0, records = 0, completed = 0,
        failed = 0, skipped = 0, records_updated = 0, records_unchanged = 0, records_skipped = 0, records_failed = 0,
        records_deleted = 0, calls_made = 0, calls_refused = 0, retried_recovered = 0, retried_failed = 0, skip_reasons = '{}',
        first_started_at = NULL, last_completed_at = NULL, recent_second = 0, recent_records = '{}';
END
$$;

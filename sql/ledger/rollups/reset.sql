-- Forget what was counted of a job, whose row the caller holds, so that it is counted anew. What seems to have been ended by
-- a transaction that is open, or yet to come, was ended in another cluster, from which this ledger was restored.
-- $1 job
WITH minutes AS (
    DELETE FROM backfill_minutes WHERE backfill_job_id = $1
), bins AS (
    DELETE FROM backfill_bins WHERE backfill_job_id = $1
), workers AS (
    DELETE FROM backfill_worker_counts WHERE backfill_job_id = $1
), restored AS (
    UPDATE backfill_partitions SET ended_xid = NULL
    WHERE backfill_job_id = $1 AND ended_xid IS NOT NULL AND ended_xid <> pg_current_xact_id()
      AND NOT pg_visible_in_snapshot(ended_xid, pg_current_snapshot())
)
INSERT INTO backfill_rollups AS r (backfill_job_id, tenant_id) SELECT id, tenant_id FROM backfill_jobs WHERE id = $1
ON CONFLICT (backfill_job_id) DO UPDATE SET snapshot = NULL, cluster = NULL, partitions = 0, records = 0, completed = 0,
    failed = 0, skipped = 0, records_updated = 0, records_unchanged = 0, records_skipped = 0, records_failed = 0,
    records_deleted = 0, calls_made = 0, calls_refused = 0, retried_recovered = 0, retried_failed = 0, skip_reasons = '{}',
    first_started_at = NULL, last_completed_at = NULL, recent_second = 0, recent_records = '{}'

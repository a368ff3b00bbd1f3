-- Take a partition, in a transaction of its own and one round trip: it is free, its retry is due, or its lease has
-- ended. No row: somebody else's, paused, or ended. It need not survive a crash of the database, and no change of the
-- job's state passes it. Where the number of workers is limited, claims come one at a time, so that two cannot both be
-- the last one allowed; a limit that was set after the claim began is kept by refusing it. A worker may claim anew what
-- it holds: it has lost the claim's answer, or the session in which it worked. That is no further attempt.
CREATE OR REPLACE FUNCTION backfill_claim_any(
    the_job uuid, the_partition text, the_worker uuid, lease_seconds double precision, the_asset text, the_mode text
) RETURNS TABLE (
    id bigint, fence bigint, attempt_count integer, record_ids text[], job_state text, priority text, pause_ms integer
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    alone boolean;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT max_workers IS NOT NULL INTO alone FROM backfill_jobs WHERE id = the_job;
    IF alone THEN
        PERFORM pg_advisory_xact_lock(1113, backfill_claim_lock(the_job));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(1113, backfill_claim_lock(the_job));
    END IF;
    RETURN QUERY
    UPDATE backfill_partitions p SET state = 'running', fence = nextval('backfill_fence_seq'), worker_id = the_worker,
        attempt_count = attempt_count + CASE WHEN p.state = 'running' AND p.worker_id = the_worker THEN 0 ELSE 1 END,
        interruptions = interruptions + CASE WHEN p.state = 'running' AND p.worker_id <> the_worker THEN 1 ELSE 0 END,
        lease_expires_at = clock_timestamp() + make_interval(secs => lease_seconds),
        claimed_at = clock_timestamp(),
        started_at = coalesce(p.started_at, clock_timestamp()), not_before = NULL
    FROM backfill_jobs j
    WHERE p.backfill_job_id = the_job AND p.partition_key = the_partition
      AND j.id = the_job AND j.asset_name = the_asset AND j.mode = the_mode
      AND j.state IN ('pending', 'running', 'resuming')
      AND ((p.state = 'pending' AND (p.not_before IS NULL OR p.not_before <= clock_timestamp()))
           OR (p.state = 'running' AND (p.lease_expires_at < clock_timestamp() OR p.worker_id = the_worker)))
      AND (j.max_workers IS NULL OR alone AND j.max_workers > (
          SELECT count(DISTINCT other.worker_id) FROM backfill_partitions other
          WHERE other.backfill_job_id = the_job AND other.state = 'running' AND other.completed_at IS NULL
            AND other.worker_id <> the_worker
            AND other.lease_expires_at >= clock_timestamp()))
    RETURNING p.id, p.fence, p.attempt_count, coalesce(p.remaining_ids, p.record_ids), j.state, j.priority, j.pause_ms;
END
$$;

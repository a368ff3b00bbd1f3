-- Take a partition: it is free, its retry is due, or its lease has ended. No row: somebody else's, paused, or ended.
-- $1 job, $2 partition key, $3 worker, $4 lease in seconds, $5 asset name, $6 mode, $7 whether no other claim of the job
-- goes on: a limit that was set after the claim began could not be kept otherwise
UPDATE backfill_partitions p SET state = 'running', fence = nextval('backfill_fence_seq'), worker_id = $3,
    attempt_count = attempt_count + 1, lease_expires_at = clock_timestamp() + make_interval(secs => $4),
    started_at = coalesce(p.started_at, clock_timestamp()), not_before = NULL
FROM backfill_jobs j
WHERE p.backfill_job_id = $1 AND p.partition_key = $2 AND j.id = $1 AND j.asset_name = $5 AND j.mode = $6
  AND j.state IN ('pending', 'running', 'resuming')
  AND ((p.state = 'pending' AND (p.not_before IS NULL OR p.not_before <= clock_timestamp()))
       OR (p.state = 'running' AND p.lease_expires_at < clock_timestamp()))
  AND (j.max_workers IS NULL OR $7 AND j.max_workers > (
      SELECT count(DISTINCT other.worker_id) FROM backfill_partitions other
      WHERE other.backfill_job_id = $1 AND other.state = 'running' AND other.worker_id <> $3
        AND other.lease_expires_at >= clock_timestamp()))
RETURNING p.id, p.fence, p.attempt_count, coalesce(p.remaining_ids, p.record_ids) AS record_ids,
    j.state AS job_state, j.priority, j.pause_ms

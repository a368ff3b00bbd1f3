-- Take running partitions from workers: those whose lease ended or whose worker has gone, or all of them.
-- $1 job, $2 seconds without a heartbeat after which a worker has gone, $3 whether all of them
UPDATE backfill_partitions p SET state = 'pending', lease_expires_at = NULL, published_at = NULL, not_before = NULL,
    fence = nextval('backfill_fence_seq')
WHERE p.backfill_job_id = $1 AND p.state = 'running'
  AND ($3 OR p.lease_expires_at < clock_timestamp() OR NOT EXISTS (
      SELECT FROM backfill_workers w WHERE w.id = p.worker_id AND w.stopped_at IS NULL
        AND w.heartbeat_at > clock_timestamp() - make_interval(secs => $2)))
RETURNING p.partition_key

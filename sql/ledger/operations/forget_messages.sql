-- Publish a job's pending partitions again, into the queue of its priority; the old messages find nothing to claim.
-- $1 job
UPDATE backfill_partitions SET published_at = NULL
WHERE backfill_job_id = $1 AND state = 'pending' AND published_at IS NOT NULL AND not_before IS NULL
RETURNING id

-- Partitions whose worker has gone: pending again, to be published anew.
-- $1 asset names
UPDATE backfill_partitions p SET state = 'pending', lease_expires_at = NULL, published_at = NULL, not_before = NULL
FROM backfill_jobs j
WHERE j.id = p.backfill_job_id AND j.asset_name = ANY ($1) AND p.state = 'running'
  AND p.lease_expires_at < clock_timestamp()
RETURNING p.backfill_job_id, p.partition_key

-- Open a job over the failed records of an ended one, planned whole: its partitions are inserted in the same transaction.
-- $1 ended job
INSERT INTO backfill_jobs (tenant_id, asset_name, mode, priority, sort_order, batch_size, record_ids, key_range,
    definition_hash, upper_key, parent_job_id, heartbeat_at, planned_at)
SELECT j.tenant_id, j.asset_name, j.mode, j.priority, j.sort_order, j.batch_size, f.ids, j.key_range,
    j.definition_hash, j.upper_key, j.id, clock_timestamp(), clock_timestamp()
FROM backfill_jobs j,
     (SELECT array_agg(record_id ORDER BY partition_key, id) AS ids FROM backfill_failures WHERE backfill_job_id = $1) f
WHERE j.id = $1 AND j.state IN ('completed', 'failed', 'cancelled') AND f.ids IS NOT NULL
RETURNING id

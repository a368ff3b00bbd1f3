-- Move the cursor past a planned page, if this producer still leads and nobody moved it meanwhile.
-- $1 job, $2 producer, $3 old cursor, $4 new cursor, $5 partitions, $6 records, $7 lease in seconds
UPDATE backfill_jobs SET cursor_key = $4, total_partitions = total_partitions + $5,
    records_matched = records_matched + $6, heartbeat_at = clock_timestamp(),
    producer_lease_until = clock_timestamp() + make_interval(secs => $7)
WHERE id = $1 AND producer_id = $2 AND producer_lease_until IS NOT NULL AND cursor_key IS NOT DISTINCT FROM $3
  AND planned_at IS NULL AND state IN ('pending', 'running', 'paused', 'resuming')
RETURNING id

-- Take over the planning of an active job, unless a live producer has it.
-- $1 job, $2 producer, $3 lease in seconds
UPDATE backfill_jobs SET producer_id = $2, producer_lease_until = clock_timestamp() + make_interval(secs => $3),
    heartbeat_at = clock_timestamp()
WHERE id = $1 AND state IN ('pending', 'running', 'paused', 'resuming')
  AND (producer_id = $2 OR producer_lease_until IS NULL OR producer_lease_until < clock_timestamp())
RETURNING id, asset_name AS backfill, mode, state, priority, sort_order, batch_size, record_limit,
          record_ids IS NOT NULL AS by_id, after_key, upper_key, cursor_key, definition_hash,
          former_definition_hashes, parameters, idempotency_key, planned_at, completed_at, producer_lease_until,
          version, pause_cause, error_message, completed_partitions, total_partitions, records_matched

-- Put a partition that failed as a whole back for a later attempt.
-- $1 partition id, $2 fence, $3 worker, $4 seconds until the next attempt, $5 error message
UPDATE backfill_partitions SET state = 'pending', lease_expires_at = NULL, published_at = NULL,
    not_before = clock_timestamp() + make_interval(secs => $4), error_message = $5,
    held_since = NULL, held_reason = NULL, retried_ids = coalesce(remaining_ids, record_ids)
WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'
RETURNING id

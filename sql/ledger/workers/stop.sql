-- Show that a worker has ended in order.
-- $1 worker
UPDATE backfill_workers SET stopped_at = clock_timestamp(), heartbeat_at = clock_timestamp(), doing = '[]' WHERE id = $1

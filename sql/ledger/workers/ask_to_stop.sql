-- Ask a worker to stop; it reads that at its next heartbeat, if it lives, which is said. No row: it has ended, or was
-- asked before.
-- $1 worker, $2 who asks
UPDATE backfill_workers w SET stop_requested_at = clock_timestamp(), stop_requested_by = $2
WHERE id = $1 AND stopped_at IS NULL AND stop_requested_at IS NULL
RETURNING backfill_is_alive(w)

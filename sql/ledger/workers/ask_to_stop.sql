-- Ask a worker to stop; it reads that at its next heartbeat, if it lives, which is said. No row: it has ended, or was
-- asked before.
-- $1 worker, $2 who asks
WITH asked AS (
    UPDATE backfill_workers w SET stop_requested_at = clock_timestamp(), stop_requested_by = $2
    WHERE id = $1 AND stopped_at IS NULL AND stop_requested_at IS NULL
    RETURNING w.id, host, pid, backfill_is_alive(w) AS is_alive
), remembered AS (
    INSERT INTO backfill_events (event, actor, details)
    SELECT 'worker.stop_requested', $2, jsonb_build_object('worker', id, 'host', host, 'pid', pid) FROM asked
)
SELECT is_alive FROM asked

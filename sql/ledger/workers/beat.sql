-- Show that a worker lives, what it has in hand and takes of its machine, and after how long without a word it has gone;
-- who asked it to stop.
-- $1 worker, $2 host, $3 pid, $4 backfills, $5 concurrency, $6 prefetch, $7 partitions in hand, $8 counts,
-- $9 lease in seconds, $10 percent of a core or NULL, $11 bytes of memory or NULL
INSERT INTO backfill_workers AS w (id, host, pid, backfills, concurrency, prefetch, doing, counts, lease_seconds,
    cpu_percent, memory_bytes)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8::text::jsonb, $9, $10, $11)
ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp(), doing = excluded.doing, counts = excluded.counts,
    cpu_percent = coalesce(excluded.cpu_percent, w.cpu_percent), memory_bytes = excluded.memory_bytes
RETURNING CASE WHEN w.stop_requested_at IS NOT NULL THEN coalesce(w.stop_requested_by, 'somebody') END

-- Show that a worker lives, what it has in hand, and after how long without a word it has gone; who asked it to stop.
-- $1 worker, $2 host, $3 pid, $4 backfills, $5 concurrency, $6 prefetch, $7 partitions in hand, $8 counts,
-- $9 lease in seconds
INSERT INTO backfill_workers AS w (id, host, pid, backfills, concurrency, prefetch, doing, counts, lease_seconds)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8::text::jsonb, $9)
ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp(), doing = excluded.doing, counts = excluded.counts
RETURNING CASE WHEN w.stop_requested_at IS NOT NULL THEN coalesce(w.stop_requested_by, 'somebody') END

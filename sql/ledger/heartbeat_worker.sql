-- Show that a worker lives, and what it has in hand.
-- $1 worker, $2 host, $3 pid, $4 backfills, $5 concurrency, $6 prefetch, $7 partitions in hand, $8 counts
INSERT INTO backfill_workers AS w (id, host, pid, backfills, concurrency, prefetch, doing, counts)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8::text::jsonb)
ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp(), doing = excluded.doing, counts = excluded.counts

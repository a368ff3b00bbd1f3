-- Open a job; the producer that opens it leads it.
-- $1 asset name, $2 mode, $3 priority, $4 order, $5 batch size, $6 limit, $7 only ids, $8 lowest, $9 highest numeric key,
-- $10 definition hash, $11 upper key, $12 producer, $13 producer lease in seconds, $14 idempotency key, $15 only after
-- this key, $16 parameters, $17 scope, or NULL for a range of keys, $18 deadline, $19 most workers, $20 pause in ms
INSERT INTO backfill_jobs (asset_name, mode, priority, sort_order, batch_size, record_limit, record_ids, key_range,
    definition_hash, upper_key, producer_id, producer_lease_until, idempotency_key, after_key, cursor_key, heartbeat_at,
    parameters, scope, sla_deadline_at, max_workers, pause_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, numrange($8::numeric, $9::numeric, '[]'), $10, $11, $12,
    clock_timestamp() + make_interval(secs => $13), $14, $15, $15, clock_timestamp(),
    $16::text::jsonb, $17::text::jsonb, $18, $19, coalesce($20, 0))
RETURNING id

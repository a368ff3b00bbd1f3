-- Give a claim back that waits for somebody's lock or for a hook, which was no attempt. The longer it is held already,
-- the later it is tried again: by a quarter of that time, within bounds. To be published anew, as its message is acknowledged.
-- $1 partition id, $2 fence, $3 worker, $4 fewest seconds until it is tried again, $5 most, $6 what holds it
UPDATE backfill_partitions SET state = 'pending', lease_expires_at = NULL, published_at = NULL,
    attempt_count = attempt_count - 1,
    not_before = clock_timestamp() + make_interval(secs => least($5::float8, greatest($4::float8,
        extract(epoch FROM clock_timestamp() - coalesce(held_since, clock_timestamp()))::float8 / 4))),
    held_since = coalesce(held_since, clock_timestamp()), held_reason = $6
WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'
RETURNING id

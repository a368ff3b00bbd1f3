-- Remember how far a closing sweep is, and in the end what is left.
-- $1 job, $2 sweep, $3 cursor or NULL, $4 the producer's partitions behind it, $5 records found by it, $6 whether it has
-- ended, $7 what it has met, by kind, $8 records planned again in this step, $9 why records are left, or NULL when that
-- is not known yet
UPDATE backfill_jobs SET sweep = $2, sweep_cursor = $3, sweep_partition = $4, sweep_found = $5, sweep_ended = $6,
    sweep_left = $7::text::jsonb, records_replanned = records_replanned + $8, left_reasons = $9::text::jsonb,
    records_left = (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(coalesce($9::text::jsonb, '{}'))),
    heartbeat_at = clock_timestamp()
WHERE id = $1

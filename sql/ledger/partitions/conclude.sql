-- Count what an apply did, and end the partition; or keep the records that are left under the claim; or let them wait for
-- another attempt.
-- $1 partition id, $2 updated, $3 unchanged, $4 skipped, $5 failed, $6 deleted, $7 skip reasons, $8 duration in ms,
-- $9 end, keep or wait, $10 ids that remain, unless it ends, $11 seconds until the next attempt, if it waits, $12 error
-- message or NULL, $13 hash of the definition that made the values, $14 ids left as they are, or NULL, $15 what holds
-- some of those that remain, or NULL, $16 calls made, $17 of those refused, $18 ids whose try has failed, if it waits,
-- $19 ids that failed now, or NULL
UPDATE backfill_partitions SET
    state = CASE $9::text WHEN 'keep' THEN 'running' WHEN 'wait' THEN 'pending'
                 ELSE CASE WHEN records_skipped + $4 = record_count THEN 'skipped' ELSE 'completed' END END,
    records_updated = records_updated + $2, records_unchanged = records_unchanged + $3,
    records_skipped = records_skipped + $4, records_failed = records_failed + $5,
    records_deleted = records_deleted + $6,
    -- The 50 most frequent reasons by name, so that reasons with ids in them cannot grow the row without bound.
    skip_reasons = CASE WHEN $7::text::jsonb = '{}' THEN skip_reasons ELSE (
        SELECT jsonb_object_agg(reason, n) FROM (
            SELECT CASE WHEN place <= 50 THEN key ELSE 'other reasons' END AS reason, sum(n) AS n FROM (
                SELECT key, sum(value::bigint) AS n,
                    row_number() OVER (ORDER BY key = 'other reasons', sum(value::bigint) DESC, key) AS place
                FROM (SELECT * FROM jsonb_each_text(skip_reasons) UNION ALL SELECT * FROM jsonb_each_text($7::text::jsonb)) r
                GROUP BY key) s
            GROUP BY 1) t) END,
    duration_ms = coalesce(duration_ms, 0) + $8::float8,
    left_ids = CASE WHEN $14::text[] IS NULL THEN left_ids ELSE coalesce(left_ids, '{}') || $14 END,
    calls_made = calls_made + $16, calls_refused = calls_refused + $17,
    -- Of those that had a failed try behind them, the ones that neither failed now nor are left have come to an end.
    retried_failed = retried_failed + CASE WHEN retried_ids IS NULL OR $19::text[] IS NULL THEN 0 ELSE
        (SELECT count(*) FROM unnest(retried_ids) AS r (id) WHERE id = ANY ($19)) END,
    retried_recovered = retried_recovered + CASE WHEN retried_ids IS NULL THEN 0 ELSE
        (SELECT count(*) FROM (
            SELECT id FROM unnest(retried_ids) AS r (id) EXCEPT SELECT unnest($10::text[])
            EXCEPT SELECT unnest($19::text[])) AS done) END,
    retried_ids = CASE WHEN $10 IS NULL OR (retried_ids IS NULL AND $18::text[] IS NULL) THEN NULL ELSE ARRAY(
        SELECT unnest($18) UNION (SELECT unnest(retried_ids) INTERSECT SELECT unnest($10))) END,
    remaining_ids = $10, error_message = $12, definition_hash = $13,
    held_since = CASE WHEN $15::text IS NOT NULL THEN coalesce(held_since, clock_timestamp()) END,
    held_reason = CASE WHEN $15 IS NOT NULL THEN coalesce(held_reason, $15) END,
    lease_expires_at = CASE WHEN $9 = 'keep' THEN lease_expires_at END,
    not_before = CASE WHEN $9 = 'wait' THEN clock_timestamp() + make_interval(secs => $11::float8) END,
    published_at = CASE WHEN $9 = 'end' THEN published_at END,
    completed_at = CASE WHEN $9 = 'end' THEN clock_timestamp() END
WHERE id = $1
RETURNING state

-- Remember that these tokens were used, to the minute: more often it would be a write for every request.
-- $1 their ids
UPDATE backfill_tokens SET last_used_at = clock_timestamp()
WHERE id = ANY ($1::uuid[]) AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - make_interval(mins => 1))

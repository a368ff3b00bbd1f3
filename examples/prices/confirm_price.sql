-- Note that a price is still right; no row where it is not the one any more that was asked about.
-- $1 type, $2 its ETag
UPDATE market_prices SET updated_at = now(), fetched_at = now()
WHERE type_id = $1::integer AND etag = $2::text AND updated_at = fetched_at
RETURNING 'unchanged' AS outcome

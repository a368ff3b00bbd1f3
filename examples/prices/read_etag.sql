-- The ETag of a stored price, unless somebody else has written the price since.
-- $1 type
SELECT etag FROM market_prices WHERE type_id = $1::integer AND updated_at = fetched_at

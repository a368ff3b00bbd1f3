-- Insert a price or bring it up to date, and tell what that came to; no row where a newer one is there.
-- $1 type, $2 price, $3 as of when, $4 its ETag
WITH before AS (
    SELECT sell, as_of FROM market_prices WHERE type_id = $1::integer
)
INSERT INTO market_prices AS p (type_id, sell, as_of, etag, fetched_at)
VALUES ($1::integer, $2::numeric, $3::timestamptz, $4::text, now())
ON CONFLICT (type_id) DO UPDATE
SET sell = excluded.sell, as_of = excluded.as_of, etag = excluded.etag, fetched_at = now(), updated_at = now()
WHERE p.as_of IS NULL OR p.as_of <= excluded.as_of
RETURNING CASE
    WHEN EXISTS (SELECT FROM before b WHERE (b.sell, b.as_of) IS NOT DISTINCT FROM (p.sell, p.as_of)) THEN 'unchanged'
    ELSE 'updated'
END AS outcome

-- What a price service tells about a price, beside the price itself; running it again changes nothing.
-- The table is the killmail example's: `sell` is the price, `updated_at` when it was last known to be right. While that
-- is `fetched_at`, nobody else has written the price since, and `etag` stands for it.

ALTER TABLE market_prices
    ADD COLUMN IF NOT EXISTS as_of timestamptz,
    ADD COLUMN IF NOT EXISTS etag text,
    ADD COLUMN IF NOT EXISTS fetched_at timestamptz;

-- Insert prices, or bring those that differ up to date; returns the types of both.
-- $1 types, $2 prices
INSERT INTO market_prices (type_id, sell)
SELECT * FROM unnest($1::integer[], $2::numeric[])
ON CONFLICT (type_id) DO UPDATE SET sell = excluded.sell, updated_at = now()
WHERE market_prices.sell IS DISTINCT FROM excluded.sell
RETURNING type_id

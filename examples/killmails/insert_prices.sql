-- Insert prices of types that have none; a price that is there stays.
-- $1 types, $2 prices
INSERT INTO market_prices (type_id, sell)
SELECT * FROM unnest($1::integer[], $2::numeric[])
ON CONFLICT (type_id) DO NOTHING

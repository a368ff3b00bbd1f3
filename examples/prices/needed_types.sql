-- The types that occur in the example's killmails and have no price, or one that is too old; ordered as Python orders
-- texts, not as numbers.
-- $1 the last type that is known already, or an empty text, $2 how old a price may be
SELECT type_id::text AS key
FROM (SELECT ship_type_id AS type_id FROM victims UNION SELECT item_type_id FROM killmail_items) needed
LEFT JOIN market_prices p USING (type_id)
WHERE (p.updated_at IS NULL OR p.updated_at < now() - $2::interval) AND type_id::text COLLATE "C" > $1::text
ORDER BY type_id::text COLLATE "C"

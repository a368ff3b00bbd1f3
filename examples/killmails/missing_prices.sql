-- How many types the example's killmails are valued by, without a price and with one that is too old.
-- Blueprint copies are worth the same whatever their type.
-- $1 how old a price may be
SELECT count(*) AS needed,
       count(*) FILTER (WHERE p.type_id IS NULL) AS missing,
       count(*) FILTER (WHERE p.updated_at < now() - $1::interval) AS old
FROM (
    SELECT ship_type_id AS type_id FROM victims
    UNION
    SELECT item_type_id FROM killmail_items WHERE singleton <> 2
) needed
LEFT JOIN market_prices p USING (type_id)

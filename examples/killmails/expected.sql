-- The expected values of every killmail that has a victim, computed line by line: to check the others against.
WITH lines AS (
    SELECT killmail_id, ship_type_id AS type_id, 1 AS quantity, false AS is_copy, false AS is_dropped
    FROM victims
    UNION ALL
    SELECT killmail_id, item_type_id, quantity_destroyed, singleton = 2, false
    FROM killmail_items WHERE quantity_destroyed IS NOT NULL
    UNION ALL
    SELECT killmail_id, item_type_id, quantity_dropped, singleton = 2, true
    FROM killmail_items WHERE quantity_dropped IS NOT NULL
), valued AS (
    SELECT killmail_id, is_dropped,
           quantity * CASE WHEN is_copy THEN 0.01 ELSE coalesce(sell, 0) END AS value
    FROM lines LEFT JOIN market_prices USING (type_id)
)
SELECT killmail_id,
       round(sum(value), 2) AS total_value,
       round(sum(CASE WHEN is_dropped THEN 0 ELSE value END), 2) AS destroyed_value,
       round(sum(CASE WHEN is_dropped THEN value ELSE 0 END), 2) AS dropped_value
FROM killmails JOIN victims USING (killmail_id) JOIN valued USING (killmail_id)
GROUP BY killmail_id

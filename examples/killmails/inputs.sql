-- What the values of many killmails are computed from, one row each; ship_type_id is null without a victim.
-- $1 killmail ids
--
-- Sums of no lines are null and so are products without a price: both count 0. Most lines have quantity 1 and need
-- no multiplication, which takes a fifteenth off.
-- Each table is read by the ids by itself, and grouping brings the parts together: the plan of a prepared statement
-- expects ten ids, and would join the parts row against row.
SELECT killmail_id,
       max(ship_type_id) AS ship_type_id,
       coalesce(max(ship_price), 0) AS ship_price,
       coalesce(max(destroyed), 0) AS destroyed,
       coalesce(max(dropped), 0) AS dropped
FROM (
    SELECT killmail_id, true AS is_killmail,
           NULL::integer AS ship_type_id, NULL::numeric AS ship_price,
           NULL::numeric AS destroyed, NULL::numeric AS dropped
    FROM killmails
    WHERE killmail_id = ANY ($1::bigint[])
    UNION ALL
    SELECT v.killmail_id, NULL, v.ship_type_id, p.sell, NULL, NULL
    FROM victims v
    LEFT JOIN market_prices p ON p.type_id = v.ship_type_id
    WHERE v.killmail_id = ANY ($1::bigint[])
    UNION ALL
    SELECT l.killmail_id, NULL, NULL, NULL,
           sum(CASE WHEN l.singleton = 2 THEN 0.01 * l.quantity_destroyed
                    WHEN l.quantity_destroyed = 1 THEN m.sell
                    ELSE m.sell * l.quantity_destroyed END)
               FILTER (WHERE l.quantity_destroyed IS NOT NULL),
           sum(CASE WHEN l.singleton = 2 THEN 0.01 * l.quantity_dropped
                    WHEN l.quantity_dropped = 1 THEN m.sell
                    ELSE m.sell * l.quantity_dropped END)
               FILTER (WHERE l.quantity_dropped IS NOT NULL)
    FROM killmail_items l
    LEFT JOIN market_prices m ON m.type_id = l.item_type_id
    WHERE l.killmail_id = ANY ($1::bigint[])
    GROUP BY l.killmail_id
) parts
GROUP BY killmail_id
HAVING bool_or(is_killmail)

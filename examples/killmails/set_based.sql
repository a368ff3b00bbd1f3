-- The same values in one statement, as a good DBA would type it: what the toolkit is measured against.
UPDATE killmails k
SET total_value = s.ship_price + s.destroyed + s.dropped,
    destroyed_value = s.ship_price + s.destroyed,
    dropped_value = s.dropped
FROM (
    SELECT v.killmail_id,
           coalesce(p.sell, 0) AS ship_price,
           coalesce(i.destroyed, 0) AS destroyed,
           coalesce(i.dropped, 0) AS dropped
    FROM victims v
    LEFT JOIN market_prices p ON p.type_id = v.ship_type_id
    LEFT JOIN (
        SELECT l.killmail_id,
               sum(CASE WHEN l.singleton = 2 THEN 0.01 * l.quantity_destroyed
                        WHEN l.quantity_destroyed = 1 THEN m.sell
                        ELSE m.sell * l.quantity_destroyed END)
                   FILTER (WHERE l.quantity_destroyed IS NOT NULL) AS destroyed,
               sum(CASE WHEN l.singleton = 2 THEN 0.01 * l.quantity_dropped
                        WHEN l.quantity_dropped = 1 THEN m.sell
                        ELSE m.sell * l.quantity_dropped END)
                   FILTER (WHERE l.quantity_dropped IS NOT NULL) AS dropped
        FROM killmail_items l
        LEFT JOIN market_prices m ON m.type_id = l.item_type_id
        GROUP BY l.killmail_id
    ) i ON i.killmail_id = v.killmail_id
) s
WHERE s.killmail_id = k.killmail_id AND k.total_value IS NULL

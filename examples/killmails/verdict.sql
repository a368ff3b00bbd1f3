-- What became of the example's killmails: all, with values, without, and how many differ from an independent sum.
WITH expected AS ({expected})
SELECT count(*) AS total,
       count(k.total_value) AS with_values,
       count(*) FILTER (WHERE k.total_value IS NULL) AS missing,
       count(*) FILTER (WHERE k.total_value IS NULL AND v.killmail_id IS NULL) AS without_victim,
       count(*) FILTER (WHERE k.total_value IS NOT NULL
                        AND (k.total_value, k.destroyed_value, k.dropped_value)
                            IS DISTINCT FROM (e.total_value, e.destroyed_value, e.dropped_value)) AS different
FROM killmails k
LEFT JOIN victims v ON v.killmail_id = k.killmail_id
LEFT JOIN expected e ON e.killmail_id = k.killmail_id

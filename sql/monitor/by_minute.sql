-- How many rows there are of each minute since the epoch, in the last hour.
SELECT floor({epoch_minutes})::bigint AS minute, count(*) AS count
FROM {table} t
WHERE t.{column} >= {an_hour_ago} AND t.{column} < {in_a_minute}
GROUP BY 1 ORDER BY 1 LIMIT 100

-- The first and the last value of a column, of any type that has an order.
SELECT (SELECT left(t.{column}::text, 500) FROM {table} t WHERE t.{column} IS NOT NULL ORDER BY t.{column} LIMIT 1) AS first,
       (SELECT left(t.{column}::text, 500) FROM {table} t WHERE t.{column} IS NOT NULL ORDER BY t.{column} DESC LIMIT 1) AS last

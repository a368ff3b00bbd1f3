-- The most frequent values of a column.
SELECT left(t.{column}::text, 200) AS name, count(*) AS count
FROM {table} t
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most}

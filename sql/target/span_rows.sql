-- The rows of a span, as planning reads them; `--dry-run` shows the query plan.
-- $1 cursor or first key, $2 last key, $3 rows to read, $4 ids as an array's literal, or NULL
SELECT {key_columns}, ({predicate}) IS TRUE AS matches, NULL AS kind FROM {table} t
WHERE {in_range} AND {has_key} AND ({only})
ORDER BY {key_order} LIMIT $3

-- A span of keys, as planning reads it; `--dry-run` shows its query plan.
-- $1 first key, $2 last key, $3 rows to read
SELECT {key_columns}, ({predicate}) IS TRUE AS matches FROM {table} t
WHERE {in_range} AND {has_key}
ORDER BY {key_order} LIMIT $3

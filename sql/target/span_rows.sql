-- The rows of a span, for plan_span.sql.
-- $4 rows to read, $8 ids as an array's literal, or NULL; the range has $2 and $3
SELECT {key_columns}, ({predicate}) IS TRUE AS matches FROM {table} t
WHERE {in_range} AND {has_key} AND ({only})
ORDER BY {key_order} LIMIT $4

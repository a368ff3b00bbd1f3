-- How many records the mode selects.
-- $1 upper key, $2 after this key or NULL, $3 ids as an array's literal, or NULL
SELECT count(*) FROM {table} t
WHERE {predicate} AND {in_range} AND {has_key} AND ({only})

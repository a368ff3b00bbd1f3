-- The rows of a partition as they are now: version, and whether the mode still selects them.
-- $1 ids
SELECT t.{key}, {version} AS version, ({predicate}) AS matches
FROM {table} t WHERE t.{key} = ANY ($1::text[]::{key_type}[])

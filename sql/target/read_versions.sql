-- The rows of a partition as they are now: how many there are, and keys and versions of those the mode selects.
-- $1 ids
SELECT count(*) AS present,
       array_agg(t.{key}) FILTER (WHERE {predicate}) AS keys,
       array_agg({version}) FILTER (WHERE {predicate}) AS versions
FROM {table} t WHERE t.{key} = ANY ($1::text[]::{key_type}[])

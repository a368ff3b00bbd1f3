-- How many records the mode selects.
-- $1 upper key, $2 only these ids or NULL
SELECT count(*) FROM {table} t
WHERE {predicate} AND t.{key} <= $1::text::{key_type}
  AND ($2::text[] IS NULL OR t.{key} = ANY ($2::text[]::{key_type}[]))

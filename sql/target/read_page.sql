-- One page of keys, as planning reads it; `--dry-run` shows its query plan.
-- $1 first key, $2 last key, $3 page size, $4 only these ids or NULL
SELECT t.{key}::text AS key FROM {table} t
WHERE {predicate} AND t.{key} {after} $1::text::{key_type} AND t.{key} {until} $2::text::{key_type}
  AND ($4::text[] IS NULL OR t.{key} = ANY ($4::text[]::{key_type}[]))
ORDER BY t.{key} {direction} LIMIT $3

-- The columns of a table; the full type has its modifiers, such as numeric(20,2).
-- $1 table oid
SELECT a.attname AS name, a.atttypid AS type, format_type(a.atttypid, a.atttypmod) AS full_type,
       concat_ws(' ', a.attname, a.attnum, a.atttypid, a.atttypmod) AS shape,
       a.attnotnull AS not_null, a.attgenerated <> '' AS generated, a.attidentity = 'a' AS always_identity,
       coalesce(NOT c.collisdeterministic, false) AS folds
FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped

-- The columns of a table with their types, without and with modifiers.
-- $1 table oid
SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type, format_type(a.atttypid, a.atttypmod) AS full_type,
       a.attnotnull AS not_null, a.attgenerated <> '' AS generated
FROM pg_attribute a
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped

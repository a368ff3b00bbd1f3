-- The columns of a table or view; a domain is what it is made of.
-- $1 oid
SELECT a.attname::text AS name, coalesce(b.typname, t.typname)::text AS type
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- The table of that name, as the search path finds it.
-- $1 name, perhaps with its schema
SELECT c.oid, n.nspname AS schema_name, c.relname AS table_name, c.relkind::text AS kind
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1)

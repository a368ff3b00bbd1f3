-- Tables and views of one of these names, whether the search path finds them, and whether policies filter their rows.
-- $1 schema names, or NULL for any, $2 names
SELECT c.oid, n.nspname::text AS schema_name, c.relname::text AS table_name, c.relkind::text AS kind,
       c.oid = to_regclass(quote_ident(c.relname)) AS is_visible,
       c.relrowsecurity AS has_policies
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY ($2::text[])
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1::text[]))
ORDER BY n.nspname, c.relname LIMIT 100

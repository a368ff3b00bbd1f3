-- The table of that name, as the search path finds it.
-- $1 name, perhaps with its schema
SELECT c.oid, n.nspname AS schema_name, c.relname AS table_name, c.relkind::text AS kind,
       row_security_active(c.oid) AS is_filtered,
       current_setting('app.current_tenant', true) AS tenant,
       (SELECT array_agg(p.polname::text ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
       CASE WHEN c.relkind = 'r' THEN
           (SELECT array_agg(i.inhrelid::regclass::text) FROM pg_inherits i WHERE i.inhparent = c.oid) END AS children,
       EXISTS (SELECT FROM pg_trigger g WHERE g.tgdeferrable AND (
           g.tgrelid = c.oid OR g.tgrelid IN (SELECT p.relid FROM pg_partition_tree(c.oid) p))) AS has_deferred,
       (SELECT array_agg(f.oid::regclass::text) FROM pg_partition_tree(c.oid) p JOIN pg_class f ON f.oid = p.relid
        WHERE f.relkind = 'f') AS foreign_parts
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1)

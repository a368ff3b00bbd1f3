-- What this session's role may do with a table, and the roles made for planning and for workers where they are there;
-- and whether row-level security would filter it for them.
-- $1 quoted table, $2 columns to read, $3 columns to write
SELECT r.rolname::text AS role, r.rolname = current_user AS is_own,
       has_schema_privilege(r.oid, c.relnamespace, 'USAGE') AS may_enter,
       has_table_privilege(r.oid, c.oid, 'SELECT') AS may_read,
       (SELECT array_agg(p ORDER BY p) FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) p
        WHERE CASE p WHEN 'DELETE' THEN has_table_privilege(r.oid, c.oid, p)
                   ELSE has_any_column_privilege(r.oid, c.oid, p) END) AS may_write,
       (SELECT array_agg(n ORDER BY o) FROM unnest($2::text[]) WITH ORDINALITY AS u (n, o)
        WHERE NOT has_column_privilege(r.oid, c.oid, n, 'SELECT')) AS unreadable,
       (SELECT array_agg(n ORDER BY o) FROM unnest($3::text[]) WITH ORDINALITY AS u (n, o)
        WHERE NOT has_column_privilege(r.oid, c.oid, n, 'UPDATE')) AS unwritable,
       c.relrowsecurity AND NOT (r.rolsuper OR r.rolbypassrls OR (
           NOT c.relforcerowsecurity AND pg_has_role(r.oid, c.relowner, 'USAGE'))) AS is_filtered
FROM pg_class c, pg_roles r
WHERE c.oid = to_regclass($1) AND r.rolname IN (current_user, 'backfill_operator', 'backfill_worker')
ORDER BY r.rolname <> current_user, r.rolname

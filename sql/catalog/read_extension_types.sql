-- The types of extensions whose text may be empty, for the driver to read them in its binary way.
SELECT t.typname AS name, n.nspname AS schema_name
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid
WHERE e.extname IN ('citext', 'hstore', 'ltree') AND t.typname = e.extname

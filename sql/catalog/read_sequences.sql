-- The sequences of a table's serial columns, quoted; an identity needs no right of its own.
-- $1 table
SELECT s.oid::regclass::text AS name
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.deptype = 'a'
ORDER BY 1

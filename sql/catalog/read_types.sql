-- Types and everything they are made of. The name to cast to has no modifiers: with them an explicit cast cuts.
-- $1 type oids
WITH RECURSIVE types AS (
    SELECT unnest($1::oid[]) AS oid
    UNION
    SELECT part.oid FROM types JOIN pg_type t USING (oid)
    LEFT JOIN pg_range r ON r.rngtypid = t.oid
    LEFT JOIN pg_range m ON m.rngmultitypid = t.oid
    CROSS JOIN LATERAL unnest(ARRAY[t.typbasetype, t.typelem, r.rngsubtype, m.rngtypid]) AS part (oid)
    WHERE part.oid <> 0
)
SELECT t.oid, t.typname AS name, t.typtype::text AS sort, format_type(t.oid, -1) AS cast_to, t.typbasetype AS base,
       CASE WHEN t.typcategory = 'A' AND t.typlen = -1 AND t.typname NOT IN ('int2vector', 'oidvector')
            THEN t.typelem ELSE 0 END AS element,
       coalesce(r.rngsubtype, 0) AS bound, coalesce(m.rngtypid, 0) AS part,
       t.typnamespace = 'pg_catalog'::regnamespace AS in_catalog
FROM types JOIN pg_type t USING (oid)
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_range m ON m.rngmultitypid = t.oid

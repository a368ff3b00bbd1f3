-- A table as people write it in SQL, with and without its schema; its primary key; and names as SQL has them.
-- $1 table oid, $2 names
SELECT c.oid::regclass::text AS short, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS qualified,
       (SELECT array_agg(a.attname::text ORDER BY k.n)
        FROM pg_index i
        CROSS JOIN LATERAL generate_series(1, i.indnkeyatts) AS k (n)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.n - 1]
        WHERE i.indrelid = c.oid AND i.indisprimary) AS primary_key,
       (SELECT array_agg(quote_ident(u.name) ORDER BY u.n)
        FROM unnest($2::text[]) WITH ORDINALITY AS u (name, n)) AS spelled
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1

-- The valid, unconditional unique indexes on plain columns of a table, and whether they read in the columns' own order:
-- paging along another one (of other operators, another collation, or with mixed directions) would sort each page. An
-- extension may call the operators of an order otherwise than < and >.
-- $1 table oid
SELECT i.indexrelid::regclass::text AS index_name, array_agg(a.attname::text ORDER BY k.n) AS columns,
       bool_and(o.opcdefault AND (i.indcollation[k.n - 1] = a.attcollation OR a.attcollation = 0))
           AND count(DISTINCT i.indoption[k.n - 1] & 1) = 1 AS is_in_order,
       bool_and(EXISTS (SELECT FROM pg_amop m JOIN pg_operator p ON p.oid = m.amopopr
                        WHERE m.amopfamily = o.opcfamily AND m.amopstrategy = 1 AND p.oprname = '<')) AS has_operators
FROM pg_index i
CROSS JOIN LATERAL generate_series(1, i.indnkeyatts) AS k (n)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.n - 1]
JOIN pg_opclass o ON o.oid = i.indclass[k.n - 1]
WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
GROUP BY i.indexrelid

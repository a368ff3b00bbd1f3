-- The columns that a definition uses and their types, as they are now: one that was dropped and added is another one.
-- Until the transaction's end nobody can change them again: the table is read from, without a row.
SELECT string_agg(concat_ws(' ', a.attname, a.attnum, a.atttypid, a.atttypmod), ', ' ORDER BY a.attname) AS shape
FROM pg_attribute a
WHERE a.attrelid = {literal}::regclass AND a.attname IN ({used}) AND NOT EXISTS (SELECT FROM {table} WHERE false)

-- The columns that a definition uses and their types, as they are now: one that was dropped and added is another one.
SELECT string_agg(concat_ws(' ', a.attname, a.attnum, a.atttypid, a.atttypmod), ', ' ORDER BY a.attname) AS shape
FROM pg_attribute a WHERE a.attrelid = {literal}::regclass AND a.attname IN ({used})

-- The types of the columns that a definition uses, as they are now.
SELECT string_agg(a.attname || ' ' || a.atttypid || ' ' || a.atttypmod, ', ' ORDER BY a.attname) AS shape
FROM pg_attribute a WHERE a.attrelid = {literal}::regclass AND a.attname IN ({used})

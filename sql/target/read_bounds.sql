-- The lowest and the highest key there is now, as text; both NULL in an empty table.
SELECT (SELECT t.{key}::text FROM {table} t ORDER BY t.{key} LIMIT 1) AS lower_key,
       (SELECT t.{key}::text FROM {table} t ORDER BY t.{key} DESC LIMIT 1) AS upper_key

-- The columns of records that a definition writes, as texts; {{shown}} are they.
-- $1 ids, as an array's literal
SELECT {key_text} AS id, ARRAY[{shown}] AS shown FROM {table} t WHERE {among}

-- Which records have a row that this role sees, and whether row-level security filters the table.
-- $1 ids, as an array's literal
SELECT array_agg({key_text}) AS ids, row_security_active({literal}::regclass) AS is_filtered FROM {table} t WHERE {among}

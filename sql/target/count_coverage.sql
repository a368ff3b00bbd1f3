-- How many records are in scope, whatever the mode selects of them, and how many of those have a value.
SELECT count(*) AS in_scope, count(*) FILTER (WHERE {has_value}) AS covered FROM {table} t WHERE {in_scope}

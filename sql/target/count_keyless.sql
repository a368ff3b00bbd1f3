-- How many records the mode selects that have no key: they cannot be worked on.
SELECT count(*) FROM {table} t WHERE {predicate} AND NOT ({has_key})

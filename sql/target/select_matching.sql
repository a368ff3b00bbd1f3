-- All records that the mode selects, for PostgreSQL to say how it would find them.
SELECT FROM {table} t WHERE {predicate}

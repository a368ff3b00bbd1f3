-- How many rows the planner takes the table for, by its present size.
EXPLAIN (FORMAT JSON) SELECT FROM {table} t

-- The planner's idea of the table's size, for when counting would take too long.
SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = '{table}'::regclass

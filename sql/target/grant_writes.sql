-- What `write` and `finish` of a definition do with a table that it names, and what planning reads of it.
GRANT USAGE ON SCHEMA {schema} TO backfill_worker, backfill_operator;
GRANT SELECT ON {table} TO backfill_worker, backfill_operator;
GRANT INSERT, UPDATE, DELETE ON {table} TO backfill_worker

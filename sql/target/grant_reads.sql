-- What a definition reads besides: its inputs, for the worker and for the warnings that planning shows.
GRANT USAGE ON SCHEMA {schema} TO backfill_worker, backfill_operator;
GRANT SELECT ON {table} TO backfill_worker, backfill_operator

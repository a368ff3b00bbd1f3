-- What a worker may do to the table of a definition: read its key, target, version and what `where` names, write the
-- named columns. Planning reads the same. A trigger on the table that writes elsewhere needs SECURITY DEFINER, or grants
-- of its own.
GRANT USAGE ON SCHEMA {schema} TO backfill_worker, backfill_operator;
GRANT SELECT ({read_columns}) ON {name} TO backfill_worker, backfill_operator;
GRANT UPDATE ({written_columns}) ON {name} TO backfill_worker

-- In which schema the search path finds a ledger, and which schemas have one; a role may not be let into these.
SELECT (SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = to_regclass('backfill_schema')) AS found,
       ARRAY(SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relname = 'backfill_schema' AND c.relkind = 'r' ORDER BY 1) AS all_found

-- What a new session has: its tenant, unless a pooler dropped what it was given; its search path; the schema in which
-- that path finds a ledger; and all schemas that have one.
SELECT current_setting('app.current_tenant', true) AS tenant, current_setting('search_path') AS search_path,
       (SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = to_regclass('backfill_schema')) AS found,
       ARRAY(SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relname = 'backfill_schema' AND c.relkind = 'r' ORDER BY 1) AS ledgers

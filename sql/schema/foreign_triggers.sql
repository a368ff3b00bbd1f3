-- Triggers on the ledger's tables that are not the ledger's: each is called with the rights of whoever writes there.
-- $1 names of the ledger's tables and functions
SELECT t.tgname::text AS name, c.relname::text AS table, p.oid::regprocedure::text AS function, r.rolname::text AS owner
FROM pg_class jobs
    JOIN pg_class c ON c.relnamespace = jobs.relnamespace AND c.relname = ANY ($1) AND c.relkind = 'r'
    JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
    JOIN pg_proc p ON p.oid = t.tgfoid
    JOIN pg_roles r ON r.oid = p.proowner
WHERE jobs.oid = 'backfill_jobs'::regclass
  AND NOT (p.proname = ANY ($1) AND p.pronamespace = jobs.relnamespace AND p.proowner = jobs.relowner)
ORDER BY 2, 1

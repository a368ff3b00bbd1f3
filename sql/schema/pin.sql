-- Let the ledger's functions find what they name in PostgreSQL's own schema and in the ledger's, whatever the search path
-- of who calls them is; made anew, a function has forgotten that. Which those are is set as backfill.own.
DO $$
DECLARE
    own text[] := string_to_array(current_setting('backfill.own'), ' ');
    unpinned record;
BEGIN
    FOR unpinned IN
        SELECT p.oid::regprocedure AS signature, pins.path
        FROM pg_class jobs
            JOIN pg_namespace n ON n.oid = jobs.relnamespace
            CROSS JOIN LATERAL (SELECT 'pg_catalog, ' || quote_ident(n.nspname) || ', pg_temp' AS path) pins
            JOIN pg_proc p ON p.pronamespace = n.oid AND p.proowner = jobs.relowner
        WHERE jobs.oid = 'backfill_jobs'::regclass AND p.proname = ANY (own)
            AND p.prosqlbody IS NULL
            AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=' || pins.path]
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %s', unpinned.signature, unpinned.path);
    END LOOP;
END
$$

-- Operators end the rest of a limit, and a rate that was refused is remembered.
-- oldest program: 3
ALTER TABLE backfill_limits
    ADD COLUMN refused_rate double precision;         -- what was allowed when the service last refused a call

-- Operators that may cancel a job today may let a limit go: `init --roles` need not come first.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_operator')
       AND has_table_privilege('backfill_operator', 'backfill_jobs', 'UPDATE') THEN
        GRANT UPDATE (held_until, raised_at) ON backfill_limits TO backfill_operator;
    END IF;
END
$$;

-- Operators end the rest of a limit.
-- oldest program: 3

-- Operators that may cancel a job today may let a limit go: `init --roles` need not come first.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_operator')
       AND has_table_privilege('backfill_operator', 'backfill_jobs', 'UPDATE') THEN
        GRANT UPDATE (held_until, raised_at) ON backfill_limits TO backfill_operator;
    END IF;
END
$$;

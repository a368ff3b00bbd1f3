-- Give whoever owns the ledger what this session made for it in its place, as a superuser or as a member of that role: the
-- policies believe the owner of their functions, and the next `init` may not come from the same login. What is the
-- ledger's is set as backfill.own, with blanks between.
DO $$
DECLARE
    own text[] := string_to_array(current_setting('backfill.own'), ' ');
    made record;
BEGIN
    FOR made IN
        WITH ledger AS (
            SELECT relnamespace AS schema, relowner AS owner FROM pg_class WHERE oid = 'backfill_jobs'::regclass
        ), makers AS (  -- one superuser may go on where another one was
            SELECT maker.oid FROM ledger, pg_roles maker JOIN pg_roles me ON me.rolname = current_user
            WHERE pg_has_role(me.oid, owner, 'MEMBER') AND (maker.oid = me.oid OR maker.rolsuper AND me.rolsuper)
        )
        SELECT format('%s %s', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass) AS what, owner
        FROM ledger JOIN pg_class c ON c.relnamespace = schema AND c.relowner <> owner
        WHERE c.relowner IN (SELECT oid FROM makers) AND c.relname = ANY (own)  -- a column's sequence goes along
        UNION ALL
        SELECT 'FUNCTION ' || p.oid::regprocedure, owner
        FROM ledger JOIN pg_proc p ON p.pronamespace = schema AND p.proowner <> owner
        WHERE p.proname = ANY (own) AND p.proowner IN (SELECT oid FROM makers)
    LOOP
        EXECUTE format('ALTER %s OWNER TO %s', made.what, made.owner::regrole);
    END LOOP;
END
$$

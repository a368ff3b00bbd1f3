-- Let the policies know which tenants are open and which are closed, as rows that were restored without triggers have it:
-- the trigger is one of statements, and needs no row.
DO $$
BEGIN
    IF has_table_privilege('backfill_tenants', 'UPDATE') THEN
        UPDATE backfill_tenants SET role = role WHERE false;
    END IF;
END
$$

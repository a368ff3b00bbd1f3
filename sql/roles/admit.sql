-- Let the members of the role backfill_tenant_NAME belong to the tenant NAME, which is set as backfill.admitted; where the
-- tenant was open to every role, it is closed once that one has a member.
DO $$
DECLARE
    tenant text := current_setting('backfill.admitted');
    tenant_role text := 'backfill_tenant_' || tenant;
BEGIN
    IF to_regrole(quote_ident(tenant_role)) IS NULL THEN
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', tenant_role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database's `init` was a moment faster
        END;
    END IF;
    INSERT INTO backfill_tenants VALUES (tenant, tenant_role) ON CONFLICT DO NOTHING;
    DELETE FROM backfill_tenants WHERE tenant_id = tenant AND role = 'public' AND EXISTS (
        -- Who makes a role may give it away, and is a member by that; whoever owns the ledger belongs to all anyway.
        SELECT FROM pg_auth_members, pg_class ledger
        WHERE roleid = to_regrole(quote_ident(tenant_role)) AND ledger.oid = 'backfill_jobs'::regclass
            AND NOT (admin_option AND EXISTS (SELECT FROM pg_roles WHERE oid = member AND rolcreaterole))
            AND NOT pg_has_role(member, ledger.relowner, 'MEMBER'));
END
$$

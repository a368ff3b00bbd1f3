-- Whether this role sees every tenant's rows where there is more than one tenant: the session's, or a job's.
SELECT (rolsuper OR rolbypassrls) AND (
    backfill_tenant() <> 'default' OR EXISTS (SELECT FROM backfill_jobs WHERE tenant_id <> backfill_tenant()))
FROM pg_roles WHERE rolname = current_user

-- Whether this role sees every tenant's rows although the session is one tenant's.
SELECT (rolsuper OR rolbypassrls) AND backfill_tenant() <> 'default' FROM pg_roles WHERE rolname = current_user

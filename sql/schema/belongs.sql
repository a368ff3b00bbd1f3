-- Whether who has logged in belongs to the tenant that the session has chosen, who that is, and to which he belongs.
SELECT own.tenants IS NULL OR backfill_tenant() = ANY (own.tenants) AS belongs, session_user::text AS login, own.tenants
FROM (SELECT backfill_own_tenants() AS tenants) own

-- Each limit on calls of the tenant, and how long it still rests; 0 without a rest.
SELECT name, rate, allowed_rate, calls, refusals,
       greatest(0, coalesce(extract(epoch FROM held_until - clock_timestamp()), 0))::float8 AS held_seconds
FROM backfill_limits WHERE tenant_id = backfill_tenant() ORDER BY name

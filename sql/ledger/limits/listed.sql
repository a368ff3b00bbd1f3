-- All limits of the tenant, and how each is now. The rate that is allowed is as it was at the last call.
SELECT l.name, l.rate, l.allowed_rate, l.burst, l.concurrency, l.adaptive,
       CASE WHEN l.held_until > clock_timestamp() THEN l.held_until END AS held_until,
       CASE WHEN l.held_until > clock_timestamp() THEN l.held_reason END AS held_reason,
       l.refused_at, l.calls, l.refusals, l.used_at, coalesce(s.permits, 0)::integer AS permits
FROM backfill_limits l
LEFT JOIN LATERAL (
    SELECT sum(permits) AS permits FROM backfill_limit_shares s
    WHERE s.tenant_id = l.tenant_id AND s.name = l.name AND s.expires_at >= clock_timestamp()
) s ON true
WHERE l.tenant_id = backfill_tenant() ORDER BY l.name

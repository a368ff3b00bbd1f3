-- How many jobs there are in each of these states, and the time.
-- $1 states
SELECT s.state, count(j.state) AS jobs, clock_timestamp() AS now
FROM unnest($1::text[]) AS s (state)
LEFT JOIN backfill_jobs j ON j.tenant_id = backfill_tenant() AND j.state = s.state
GROUP BY s.state

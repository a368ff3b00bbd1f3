-- Each backfill's workers: how many live, and how long ago any of them was heard of. Those that ended in order do not
-- count, nor do those of yesterday.
SELECT served.name AS asset_name,
    count(*) FILTER (WHERE backfill_is_alive(w)) AS alive,
    extract(epoch FROM min(t.now - w.heartbeat_at))::float8 AS heartbeat_seconds
FROM backfill_workers w CROSS JOIN (SELECT clock_timestamp() AS now) AS t, unnest(w.backfills) AS served (name)
WHERE w.tenant_id = backfill_tenant() AND w.stopped_at IS NULL AND w.heartbeat_at > t.now - interval '1 day'
GROUP BY served.name ORDER BY served.name

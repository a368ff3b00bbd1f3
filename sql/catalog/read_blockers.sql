-- Who keeps this session waiting for a lock, the longest transaction first; what the role may not see is NULL.
-- pg_blocking_pids holds up all locking for a moment, and is asked only for a session that waits. Process 0 is a
-- prepared transaction.
-- $1 process of the session
SELECT b.pid, a.usename, a.application_name, a.state, a.backend_type, a.xact_start,
    nullif(left(a.query, 200), '<insufficient privilege>') AS query
FROM unnest(CASE WHEN (SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1::integer)
            THEN pg_blocking_pids($1) END) AS b (pid)
LEFT JOIN pg_stat_activity a USING (pid)
ORDER BY a.xact_start NULLS LAST, b.pid LIMIT 3

-- Workers, what each has in hand, and how long ago it was heard of.
SELECT host, pid, backfills, concurrency, jsonb_array_length(doing) AS partitions_in_hand, counts ->> 'updated' AS updated,
       round(extract(epoch FROM clock_timestamp() - heartbeat_at)) AS heartbeat_age_secs,
       backfill_is_alive(w) AS is_running
FROM backfill_workers w ORDER BY heartbeat_at DESC LIMIT 50;

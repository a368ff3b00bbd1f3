-- Remember how far a closing sweep is.
-- $1 job, $2 sweep, $3 cursor or NULL, $4 the producer's partitions behind it, $5 records found by it, $6 whether it has
-- ended, $7 records left, as the last sweep counted them
UPDATE backfill_jobs SET sweep = $2, sweep_cursor = $3, sweep_partition = $4, sweep_found = $5, sweep_ended = $6,
    records_left = $7, heartbeat_at = clock_timestamp()
WHERE id = $1

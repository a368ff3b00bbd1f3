-- Count calls whose claim ended without progress: they were made, whatever has become of it.
-- $1 partition id, $2 made, $3 refused
UPDATE backfill_partitions SET calls_made = calls_made + $2, calls_refused = calls_refused + $3 WHERE id = $1

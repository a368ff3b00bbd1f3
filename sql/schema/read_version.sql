-- The number of the newest file that was applied; 0 before the first.
SELECT coalesce(max(version), 0) FROM backfill_schema

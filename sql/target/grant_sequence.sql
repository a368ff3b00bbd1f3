-- What a write to a table with a serial column needs.
GRANT USAGE ON SEQUENCE {sequence} TO backfill_worker

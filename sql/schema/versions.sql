-- Which numbered files were applied, and when.
CREATE TABLE IF NOT EXISTS backfill_schema (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)

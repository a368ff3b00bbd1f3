-- Remember that a numbered file was applied.
-- $1 its number
INSERT INTO backfill_schema (version) VALUES ($1)

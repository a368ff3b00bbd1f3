-- One process at a time opens a job of this backfill.
-- $1 asset name
SELECT pg_advisory_xact_lock(1114, hashtext($1))

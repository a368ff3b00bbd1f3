-- One process at a time changes the schema.
SELECT pg_advisory_xact_lock(1112, 0)

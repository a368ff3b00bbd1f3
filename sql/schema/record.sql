-- Remember that a numbered file was applied.
-- $1 its number, $2 the newest file that a program must know to go on after it, or NULL
INSERT INTO backfill_schema (version, oldest_program) VALUES ($1, $2)

-- The first worker's definition is that of a job whose own is not known: of a retry, or opened by an older program.
-- $1 job, $2 hash so far, $3 the worker's
UPDATE backfill_jobs SET definition_hash = $3 WHERE id = $1 AND definition_hash = $2
RETURNING id

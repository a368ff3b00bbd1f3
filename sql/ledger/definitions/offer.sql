-- A worker has met the job with another definition: which one an operator may accept.
-- $1 job, $2 hash of the job's own, $3 the worker's
UPDATE backfill_jobs SET changed_definition_hash = $3
WHERE id = $1 AND definition_hash = $2 AND changed_definition_hash IS DISTINCT FROM $3

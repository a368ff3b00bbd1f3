-- Go on with the definition that a worker has met the job with; no row when none has.
-- $1 job
UPDATE backfill_jobs j SET definition_hash = j.changed_definition_hash, changed_definition_hash = NULL,
    former_definition_hashes = array_append(
        array_remove(j.former_definition_hashes, j.changed_definition_hash), j.definition_hash)
FROM backfill_jobs before
WHERE j.id = $1 AND before.id = $1 AND j.changed_definition_hash <> j.definition_hash
RETURNING before.definition_hash AS before, j.definition_hash AS now

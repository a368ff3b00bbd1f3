-- Go on with the definition that a worker has met the job with; where none has, with that of the next worker.
-- $1 job
UPDATE backfill_jobs j SET definition_hash = coalesce(j.changed_definition_hash, ''), changed_definition_hash = NULL,
    former_definition_hashes = CASE WHEN j.changed_definition_hash IS NULL THEN j.former_definition_hashes
        ELSE array_append(array_remove(j.former_definition_hashes, j.changed_definition_hash), j.definition_hash) END
FROM backfill_jobs before
WHERE j.id = $1 AND before.id = $1
RETURNING before.definition_hash AS before, j.definition_hash AS now

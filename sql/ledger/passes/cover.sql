-- Say how much of the table had a value when a job was opened, unless that is known.
-- $1 job, $2 records in scope, $3 of those with a value, $4 whether these are estimates
UPDATE backfill_jobs SET scope_records = $2, scope_covered = $3, scope_is_estimate = $4
WHERE id = $1 AND scope_records IS NULL

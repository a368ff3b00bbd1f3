-- Make a job that was opened in this transaction a pass: the next of those that began with a job, or the first one.
-- $1 job, $2 first job, or NULL, $3 records in scope, $4 of those with a value, $5 whether these are estimates
UPDATE backfill_jobs SET first_job_id = coalesce($2, id), scope_records = $3, scope_covered = $4, scope_is_estimate = $5,
    pass_number = coalesce((SELECT max(pass_number) FROM backfill_jobs WHERE first_job_id = $2), 0) + 1
WHERE id = $1

-- End a running job as completed or failed; the caller has rolled up its counts in this transaction.
-- $1 job, $2 state, $3 error message or NULL, $4 what the definition says of it, or NULL
UPDATE backfill_jobs SET state = $2, error_message = $3, result = $4::text::json,
    completed_at = clock_timestamp(), version = version + 1
WHERE id = $1 AND state = 'running'
RETURNING id

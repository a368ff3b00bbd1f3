-- The job that was opened last.
SELECT id FROM backfill_jobs ORDER BY created_at DESC LIMIT 1

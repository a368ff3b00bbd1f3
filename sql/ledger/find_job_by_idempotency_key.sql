-- The job that was opened with this idempotency key.
-- $1 idempotency key
SELECT id FROM backfill_jobs WHERE idempotency_key = $1

-- The job that was opened with this idempotency key.
-- $1 idempotency key
SELECT id FROM backfill_jobs WHERE tenant_id = backfill_tenant() AND idempotency_key = $1

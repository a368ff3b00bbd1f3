-- Which of these jobs there are; messages may speak of any.
-- $1 ids
SELECT id::text FROM backfill_jobs WHERE tenant_id = backfill_tenant() AND id = ANY($1::uuid[])

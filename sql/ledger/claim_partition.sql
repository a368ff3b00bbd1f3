-- Take a partition, as sql/schema/001_ledger.sql says; no row when it is not to be had.
-- $1 job, $2 partition key, $3 worker, $4 lease in seconds, $5 asset name, $6 mode
SELECT * FROM backfill_claim($1, $2, $3, $4, $5, $6)
WHERE EXISTS (SELECT FROM backfill_jobs WHERE id = $1 AND tenant_id = backfill_tenant())

-- Take a partition, as sql/schema/006_claims.sql says, and know whose definition the job is for and which server this
-- was; no row when it is not to be had.
-- $1 job, $2 partition key, $3 worker, $4 lease in seconds, $5 asset name, $6 mode
SELECT c.*, backfill_definition_of(j.id) AS definition_hash, pg_postmaster_start_time() AS server_started, (
    -- As the claim leaves it; the row that is seen here is still the one before.
    SELECT interruptions + CASE WHEN state = 'running' AND worker_id <> $3 THEN 1 ELSE 0 END
    FROM backfill_partitions p WHERE p.id = c.id) AS interruptions
FROM backfill_jobs j, backfill_claim_any(j.id, $2, $3, $4, $5, $6) c
WHERE j.id = $1 AND j.tenant_id = backfill_tenant()

-- Give the planning of a job back, so that a resumed producer need not wait for the lease.
-- $1 job, $2 producer
UPDATE backfill_jobs SET producer_lease_until = NULL WHERE id = $1 AND producer_id = $2
RETURNING id

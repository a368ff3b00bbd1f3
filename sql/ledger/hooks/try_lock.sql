-- Be the only one who does what comes before a job, until the transaction's end; false where somebody else is at it.
-- $1 job
SELECT pg_try_advisory_xact_lock(1116, backfill_claim_lock($1))

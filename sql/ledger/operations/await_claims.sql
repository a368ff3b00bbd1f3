-- Let claims that began under the old limit commit first, and none begin before this transaction has ended.
-- $1 job
SELECT pg_advisory_xact_lock(1113, backfill_claim_lock($1))

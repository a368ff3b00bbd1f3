-- Begin a claim: it need not survive a crash of the database, and no change of the job's state passes it.
-- $1 job
SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock_shared(1113, backfill_claim_lock($1))

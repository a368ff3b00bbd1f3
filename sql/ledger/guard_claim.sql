-- Begin a claim: it need not survive a crash of the database, and no change of the job's state passes it. Where the
-- number of workers is limited, claims come one at a time, so that two cannot both be the last one allowed.
-- $1 job
SELECT set_config('synchronous_commit', 'off', true),
       CASE WHEN max_workers IS NULL
            THEN pg_advisory_xact_lock_shared(1113, backfill_claim_lock($1))
            ELSE pg_advisory_xact_lock(1113, backfill_claim_lock($1)) END,
       max_workers IS NOT NULL AS alone
FROM (SELECT (SELECT max_workers FROM backfill_jobs WHERE id = $1)) AS job (max_workers)

-- Whether the roles of the ledger were made.
SELECT to_regrole('backfill_worker') IS NOT NULL

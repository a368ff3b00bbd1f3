-- Whether there is a ledger at all.
SELECT to_regclass('backfill_schema') IS NOT NULL

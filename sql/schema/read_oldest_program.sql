-- The newest numbered file that a program must know to work on this ledger.
SELECT max(coalesce(oldest_program, version)) FROM backfill_schema

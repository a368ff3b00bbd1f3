-- What this session's role may do with the ledger: open jobs, and work on them.
SELECT current_user::text AS role,
       has_table_privilege('backfill_jobs', 'INSERT') AS may_open,
       has_table_privilege('backfill_workers', 'INSERT') AS may_work

-- Workers are asked to stop through the ledger: each reads it at its heartbeat, drains and ends.
-- oldest program: 3
ALTER TABLE backfill_workers
    ADD COLUMN stop_requested_at timestamptz,         -- NULL: nobody has asked
    ADD COLUMN stop_requested_by text;

-- Operators that may cancel a job today may stop a worker: `init --roles` need not come first.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_operator')
       AND has_table_privilege('backfill_operator', 'backfill_jobs', 'UPDATE') THEN
        GRANT UPDATE (stop_requested_at, stop_requested_by) ON backfill_workers TO backfill_operator;
    END IF;
END
$$;

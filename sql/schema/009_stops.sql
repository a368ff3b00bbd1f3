-- Workers are asked to stop through the ledger: each reads it at its heartbeat, drains and ends.
-- oldest program: 3
ALTER TABLE backfill_workers
    ADD COLUMN stop_requested_at timestamptz,         -- NULL: nobody has asked
    ADD COLUMN stop_requested_by text;

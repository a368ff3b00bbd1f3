-- Let this transaction not outlast a process that stands still in it: what it has locked, everybody may wait for. It may be
-- idle for ten seconds, and take as long in all as five of its statements may, from PostgreSQL 17 on: nothing else ends
-- the session of a process that is suspended between the preparing of a statement and its run, which is neither idle nor
-- running. Never longer than the session allows. A command gives up on a statement after 120 s.
SELECT set_config('idle_in_transaction_session_timeout', least(10000, nullif(
        extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval) * 1000, 0))::integer::text, true),
    CASE WHEN current_setting('transaction_timeout', true) IS NOT NULL THEN
        set_config('transaction_timeout', least(2147483647, nullif(
            extract(epoch FROM current_setting('transaction_timeout')::interval) * 1000, 0), 5 * coalesce(nullif(
            extract(epoch FROM current_setting('statement_timeout')::interval) * 1000, 0), 120000))::integer::text, true) END

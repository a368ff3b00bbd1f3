-- Hold the claim for the apply; no row: another claim took over, and nothing may be written. Triggers, audit tables and
-- logical decoding can tell the backfill's writes by the settings. From here on no statement of the transaction takes
-- longer, nor waits longer for a lock, than given; never longer than the session allows. The whole of a transaction with
-- short statements is bounded where PostgreSQL can do that, from 17 on: nothing else ends the session of a worker that
-- is suspended between the preparing of a statement and its run, which is neither idle nor running.
-- $1 partition id, $2 fence, $3 worker, $4 backfill, $5 job, $6 ms for a statement or NULL, $7 ms for a lock or NULL,
-- $8 ms for a transaction with $6
SELECT id, set_config('backfill.name', $4, true), set_config('backfill.job', $5, true),
    set_config('statement_timeout', coalesce(least($6::integer, nullif(
        extract(epoch FROM current_setting('statement_timeout')::interval) * 1000, 0)), 0)::integer::text, true),
    set_config('lock_timeout', coalesce(least($7::integer, nullif(
        extract(epoch FROM current_setting('lock_timeout')::interval) * 1000, 0)), 0)::integer::text, true),
    CASE WHEN $6::integer IS NOT NULL AND current_setting('transaction_timeout', true) IS NOT NULL THEN
        set_config('transaction_timeout', least($8::integer, nullif(
            extract(epoch FROM current_setting('transaction_timeout')::interval) * 1000, 0))::integer::text, true) END
FROM backfill_partitions
WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'
FOR NO KEY UPDATE

-- How long a statement of this transaction may wait for a lock and take, and from now on the transaction, in ms; never
-- longer than the session allows. There is a limit for transactions from PostgreSQL 17 on.
-- $1 for a lock, $2 in all, $3 for the transaction
SELECT set_config(s.name, least(nullif(s.setting::integer, 0), t.most)::text, true)
FROM (VALUES ('lock_timeout', $1::integer), ('statement_timeout', $2::integer),
    ('transaction_timeout', $3::integer)) AS t (name, most)
JOIN pg_settings s USING (name)

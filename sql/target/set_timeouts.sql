-- How long a statement of this transaction may wait for a lock and take, in ms; never longer than the session allows.
-- $1 for a lock, $2 in all
SELECT set_config(s.name, least(nullif(s.setting::integer, 0), t.most)::text, true)
FROM (VALUES ('lock_timeout', $1::integer), ('statement_timeout', $2::integer)) AS t (name, most)
JOIN pg_settings s USING (name)

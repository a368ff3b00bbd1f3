-- Set what the session, or this transaction alone, is to run under; returns what was there before.
-- $1 names, $2 values, $3 whether for this transaction alone
WITH given AS MATERIALIZED (
    SELECT s.*, coalesce(current_setting(name, true), '') AS before
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s (name, value, n)
)
SELECT before, set_config(name, value, $3) FROM given ORDER BY n

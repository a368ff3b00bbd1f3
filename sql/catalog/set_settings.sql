-- Set what a definition runs under, for this session; returns what was there before.
-- $1 names, $2 values
WITH given AS MATERIALIZED (
    SELECT s.*, coalesce(current_setting(name, true), '') AS before
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s (name, value, n)
)
SELECT before, set_config(name, value, false) FROM given ORDER BY n

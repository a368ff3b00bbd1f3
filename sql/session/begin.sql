-- What a transaction runs under, and nobody after it.
-- $1 names and values, a JSON object
SELECT set_config(key, value, true) FROM json_each_text($1)

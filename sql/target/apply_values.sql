-- Lock rows in key order and write the values where the row is still the version that was read and differs.
-- {{wait}} is empty, or SKIP LOCKED after waiting was in vain; then {{list_present}} says which rows were had.
-- $1 keys, $2 versions, $3 and on: one array of values a column
WITH computed AS MATERIALIZED (
    SELECT * FROM unnest($1::{key_type}[], $2::{version_type}[], {value_arrays}) AS c (key, version, {value_names})
), locked AS MATERIALIZED (
    SELECT t.{key} AS key, (({predicate}) AND {version} = c.version) AS is_current, ({differs}) AS differs
    FROM computed c JOIN {table} t ON t.{key} = c.key
    ORDER BY t.{key}
    FOR NO KEY UPDATE OF t {wait}
), written AS (
    UPDATE {table} t SET {assignments}
    FROM computed c JOIN locked l USING (key)
    WHERE t.{key} = c.key AND l.is_current AND l.differs
    RETURNING 1
)
SELECT (SELECT count(*) FROM written) AS updated,
       count(*) FILTER (WHERE is_current AND NOT differs) AS unchanged,
       count(*) FILTER (WHERE is_current AND differs) AS due,
       count(*) AS present,
       array_agg(key::text) FILTER (WHERE NOT is_current) AS conflicted,
       array_agg(key::text) FILTER (WHERE {list_present}) AS present_keys
FROM locked

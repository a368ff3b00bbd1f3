-- Lock rows in key order and write the values where the row is still the version that was read and differs.
-- {{wait}} is empty, or SKIP LOCKED after waiting was in vain; then {{list_present}} says which rows were had.
-- A locked row that is still the same version cannot move: the update finds it by its place.
-- $1 keys, $2 versions, $3 and on: one array of values a column
WITH locked AS MATERIALIZED (
    SELECT t.tableoid AS part, t.ctid AS place, t.{key} AS row_key, {value_names},
           (({predicate}) AND {version} = c.version) AS is_current, ({differs}) AS differs
    FROM unnest($1::{key_type}[], $2::{version_type}[], {value_arrays}) AS c (key, version, {value_names})
    JOIN {table} t ON t.{key} = c.key
    ORDER BY t.{key}
    FOR NO KEY UPDATE OF t {wait}
), written AS (
    UPDATE {table} t SET {assignments}
    FROM locked l
    WHERE {same_row} AND l.is_current AND l.differs
    RETURNING 1
)
SELECT (SELECT count(*) FROM written) AS updated,
       count(*) FILTER (WHERE is_current AND NOT differs) AS unchanged,
       count(*) FILTER (WHERE is_current AND differs) AS due,
       count(*) AS present,
       array_agg(row_key::text) FILTER (WHERE NOT is_current) AS conflicted,
       array_agg(row_key::text) FILTER (WHERE {list_present}) AS present_keys
FROM locked

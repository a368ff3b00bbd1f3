-- Lock rows in key order and write the values where the row is still the version that was read and differs. A row that
-- somebody holds is passed over: waiting for it would keep those locked that were had before. Which rows were had is
-- said when it was not all of them.
-- A locked row that is still the same version cannot move: the update finds it by its place. A row that holds afterwards
-- what it held before was kept from being written, by a trigger or a policy.
-- $1 and on: an array a key column, then one of versions, then one of values a column; each as a literal
WITH locked AS MATERIALIZED (
    SELECT t.tableoid AS part, t.ctid AS place, {key_columns}, {values},
           (({predicate}) IS TRUE AND {version} = c.version) AS is_current, ({differs}) AS differs
    FROM unnest({key_arrays}, {versions}, {value_arrays}) AS c ({key_names}, version, {value_names})
    JOIN {table} t ON {joined}
    ORDER BY {order_asc}
    FOR NO KEY UPDATE OF t SKIP LOCKED
), written AS (
    UPDATE {table} t SET {assignments}
    FROM locked l
    WHERE {same_row} AND l.is_current AND l.differs
    RETURNING ({changed}) AS is_changed
)
SELECT (SELECT count(*) FROM written WHERE is_changed) AS updated,
       count(*) FILTER (WHERE is_current AND NOT differs) AS unchanged,
       count(*) FILTER (WHERE is_current AND differs) AS due,
       count(*) AS present,
       array_agg({locked_text}) FILTER (WHERE NOT is_current) AS conflicted,
       array_agg({locked_text}) FILTER (WHERE (SELECT count(*) < cardinality({first_keys}) FROM locked)) AS present_ids
FROM locked l

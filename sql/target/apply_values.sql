-- Lock rows in key order and write the values where the row is still the version that was read and differs. A row that
-- somebody holds is passed over: waiting for it would keep those locked that were had before. Which rows were had is
-- said when it was not all of them. To drop a column and add it again leaves the rows as they are, and no row is still
-- what was read: {{shape}} is shape.sql.
-- A locked row that is still the same version cannot move: the update finds it by its place. A row that holds afterwards
-- what it held before was kept from being written, by a trigger or a policy. What the mode still selects afterwards is
-- left as it is, and named: the closing sweep must tell it from what somebody undoes. A `where` may read a table
-- that is named like a part of this statement: that of the second part must be a name of ours.
-- $1 and on: an array a key column, then one of versions, then one of values a column; each as a literal
WITH backfill_locked AS MATERIALIZED (
    SELECT t.tableoid AS part, t.ctid AS place, {key_columns}, {values},
           (({predicate}) IS TRUE AND {version} = c.version AND ({shape}) = {known_shape}) AS is_current, ({differs}) AS differs,
           ({leftover}) IS TRUE AS is_leftover
    FROM unnest({key_arrays}, {versions}, {value_arrays}) AS c ({key_names}, version, {value_names})
    JOIN {table} t ON {joined}
    ORDER BY {order_asc}
    FOR NO KEY UPDATE OF t SKIP LOCKED
), written AS (
    UPDATE {table} t SET {assignments}
    FROM backfill_locked l
    WHERE {same_row} AND l.is_current AND l.differs
    RETURNING {locked_names}, ({changed}) AS is_changed, ({changed}) AND ({leftover}) IS NOT TRUE AS is_done
)
SELECT (SELECT count(*) FROM written WHERE is_changed) AS updated,
       count(*) FILTER (WHERE is_current AND NOT differs) AS unchanged,
       count(*) FILTER (WHERE is_current AND differs) AS due,
       count(*) AS present,
       CASE WHEN (SELECT count(*) FROM written WHERE is_done) < count(*) FILTER (WHERE is_current AND (differs OR is_leftover))
           THEN (SELECT array_agg({locked_text}) FROM backfill_locked l
                 WHERE l.is_current AND (l.differs OR l.is_leftover)
                   AND NOT EXISTS (SELECT FROM written w WHERE w.is_done AND {same_written})) END AS left_ids,
       array_agg({locked_text}) FILTER (WHERE NOT is_current) AS conflicted,
       array_agg({locked_text}) FILTER (WHERE (SELECT count(*) < cardinality({first_keys}) FROM backfill_locked)) AS present_ids
FROM backfill_locked l

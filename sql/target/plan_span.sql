-- Read a span of the table along its key and make partitions of the records in it that the mode selects; a sweep leaves
-- out those that are in a partition already. A span is so many rows, whether they match or not: no statement takes longer
-- because little matches. The last row that was dealt with is where the next span begins; no row: the range is read. A
-- sweep is told besides what it met, by kind.
-- $1 to $4 as in span_rows.sql, $5 job, $6 most records to plan, $7 batch size, $8 number of the first partition,
-- $9 which sweep, 0 for the producer, $10 false only to count; {{rows}} is span_rows.sql, or for a sweep
-- unplanned_rows.sql around it
WITH span AS MATERIALIZED (
    SELECT k.*, row_number() OVER w AS n, count(*) FILTER (WHERE k.matches) OVER w AS m
    FROM ({rows}) k
    WINDOW w AS (ROWS UNBOUNDED PRECEDING)
), slices AS MATERIALIZED (
    SELECT (s.m - 1) / $7::integer AS slice, array_agg({span_text} ORDER BY s.m) AS ids, max(s.m) AS m, max(s.n) AS n
    FROM span s
    WHERE s.matches AND s.m <= $6
    GROUP BY (s.m - 1) / $7::integer
), sums AS MATERIALIZED (
    SELECT m AS found, CASE WHEN m = $6 THEN n ELSE (SELECT count(*) FROM span) END AS read
    FROM (SELECT coalesce(max(m), 0) AS m, max(n) AS n FROM slices) f
), planned AS (
    INSERT INTO backfill_partitions (backfill_job_id, tenant_id, partition_key, record_ids, record_count, sweep)
    SELECT j.id, j.tenant_id, lpad(($8::bigint + s.slice)::text, 9, '0'), s.ids, cardinality(s.ids), $9::smallint
    FROM slices s JOIN backfill_jobs j ON j.id = $5
    WHERE $10::boolean
    ORDER BY s.slice
    RETURNING partition_key, record_ids
)
SELECT e.id AS edge, e.is_beyond, e.read, e.found, e.met, p.partition_key, p.record_ids
FROM (
    -- Skipping what is stored costs a tenth of looking for the row.
    SELECT {span_text} AS id, ({is_beyond}) AS is_beyond, sums.read, sums.found,
           CASE WHEN $9::smallint > 0 THEN (
               SELECT jsonb_object_agg(k.kind, k.n)::text FROM (
                   SELECT m.kind, count(*) AS n FROM span m WHERE m.kind IS NOT NULL AND m.n <= sums.read GROUP BY 1) k
           ) END AS met
    FROM (SELECT * FROM span OFFSET (SELECT greatest(read - 1, 0) FROM sums) LIMIT 1) s, sums
) e LEFT JOIN planned p ON true
ORDER BY p.partition_key

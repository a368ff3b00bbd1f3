-- Read one page of keys after the cursor and make partitions of it.
-- $1 job, $2 cursor or first key, $3 last key, $4 page size, $5 batch size, $6 number of the first partition,
-- $7 only these ids or NULL
WITH page AS MATERIALIZED (
    SELECT k.key, row_number() OVER () - 1 AS n
    FROM (
        SELECT t.{key}::text AS key FROM {table} t
        WHERE {predicate} AND t.{key} {after} $2::text::{key_type} AND t.{key} {until} $3::text::{key_type}
          AND ($7::text[] IS NULL OR t.{key} = ANY ($7::text[]::{key_type}[]))
        ORDER BY t.{key} {direction} LIMIT $4
    ) k
), slices AS (
    SELECT n / $5::integer AS slice, array_agg(key ORDER BY n) AS ids FROM page GROUP BY n / $5::integer
)
INSERT INTO backfill_partitions (backfill_job_id, tenant_id, partition_key, record_ids, record_count)
SELECT j.id, j.tenant_id, lpad(($6::bigint + s.slice)::text, 9, '0'), s.ids, cardinality(s.ids)
FROM slices s JOIN backfill_jobs j ON j.id = $1
ORDER BY s.slice
RETURNING partition_key, record_ids

-- Find records up to the upper key that still match and are in no partition of the job, and make partitions of them.
-- $1 job, $2 upper key, $3 batch size, $4 number of the first partition, $5 most records
WITH missed AS MATERIALIZED (
    SELECT k.key, row_number() OVER () - 1 AS n
    FROM (
        SELECT t.{key}::text AS key FROM {table} t
        WHERE {predicate} AND t.{key} <= $2::text::{key_type}
          AND NOT EXISTS (
              SELECT FROM backfill_partitions p, unnest(p.record_ids) AS planned (id)
              WHERE p.backfill_job_id = $1 AND planned.id = t.{key}::text)
        ORDER BY t.{key} LIMIT $5
    ) k
), slices AS (
    SELECT n / $3::integer AS slice, array_agg(key ORDER BY n) AS ids FROM missed GROUP BY n / $3::integer
)
INSERT INTO backfill_partitions (backfill_job_id, tenant_id, partition_key, record_ids, record_count)
SELECT j.id, j.tenant_id, lpad(($4::bigint + s.slice)::text, 9, '0'), s.ids, cardinality(s.ids)
FROM slices s JOIN backfill_jobs j ON j.id = $1
ORDER BY s.slice
RETURNING partition_key, record_ids

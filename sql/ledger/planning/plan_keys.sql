-- Make partitions of keys that a definition named, in their order.
-- $1 job, $2 keys, $3 keys a partition, $4 number of the first partition
INSERT INTO backfill_partitions (backfill_job_id, tenant_id, partition_key, record_ids, record_count)
SELECT j.id, j.tenant_id, lpad(($4::bigint + s.slice)::text, 9, '0'), s.ids, cardinality(s.ids)
FROM backfill_jobs j, (
    SELECT (k.n - 1) / $3::integer AS slice, array_agg(k.key ORDER BY k.n) AS ids
    FROM unnest($2::text[]) WITH ORDINALITY AS k (key, n)
    GROUP BY 1) s
WHERE j.id = $1
ORDER BY s.slice
RETURNING partition_key, record_ids

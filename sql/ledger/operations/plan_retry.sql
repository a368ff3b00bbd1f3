-- Make partitions of the records that a job was opened with.
-- $1 job
INSERT INTO backfill_partitions (backfill_job_id, tenant_id, partition_key, record_ids, record_count)
SELECT id, tenant_id, lpad((slice + 1)::text, 9, '0'), array_agg(record_id ORDER BY n), count(*)
FROM (SELECT j.id, j.tenant_id, r.record_id, r.n, (r.n - 1) / j.batch_size AS slice
      FROM backfill_jobs j, unnest(j.record_ids) WITH ORDINALITY AS r (record_id, n) WHERE j.id = $1) s
GROUP BY id, tenant_id, slice
RETURNING record_count

-- Failed records by error and by shape of its message: what stands in quotes, and every number, counts as the same.
-- `percent` is the share of the backfill's failures; the example names a record to look at, and its job.
SELECT j.asset_name, f.error_class, f.shape, count(*) AS records, count(DISTINCT f.backfill_job_id) AS jobs,
       round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY j.asset_name), 1) AS percent,
       min(f.failed_at) AS first_at, max(f.failed_at) AS last_at,
       (array_agg(f.record_id ORDER BY f.failed_at DESC, f.id DESC))[1] AS example_record,
       (array_agg(f.backfill_job_id ORDER BY f.failed_at DESC, f.id DESC))[1] AS example_job
FROM (
    SELECT id, backfill_job_id, error_class, record_id, failed_at, backfill_failure_pattern(error_message) AS shape
    FROM backfill_failures
) f JOIN backfill_jobs j ON j.id = f.backfill_job_id
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT 50;

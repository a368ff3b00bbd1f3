-- What failed most, with an example.
SELECT j.asset_name, f.backfill_job_id, f.error_class, count(*) AS records, min(f.record_id) AS example_record,
       min(f.error_message) AS example_message
FROM backfill_failures f JOIN backfill_jobs j ON j.id = f.backfill_job_id
GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 50;

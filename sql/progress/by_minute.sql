-- What each job came to in each minute of the last hour, the newest first; kept when its partitions are gone.
SELECT j.asset_name, j.id AS job, m.minute, m.partitions,
       m.updated + m.unchanged + m.skipped + m.failed + m.deleted AS records,
       m.updated, m.unchanged, m.skipped, m.failed, m.deleted, m.calls_made, m.calls_refused,
       round((m.updated + m.unchanged + m.skipped + m.failed + m.deleted) / 60.0, 1) AS records_per_second,
       round(1000 * m.seconds / nullif(m.partitions, 0)) AS partition_ms
FROM backfill_jobs j JOIN backfill_minutes m ON m.backfill_job_id = j.id
WHERE (j.completed_at IS NULL OR j.completed_at > clock_timestamp() - interval '1 hour')
  AND m.minute > clock_timestamp() - interval '1 hour'
ORDER BY m.minute DESC, 1, 2;

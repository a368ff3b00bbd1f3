-- Jobs and how far they are, newest first.
SELECT id, asset_name, mode, state, completed_partitions || '/' || total_partitions AS progress,
       records_matched, records_updated, records_unchanged, records_skipped, records_failed, records_deleted,
       round(100.0 * (records_updated + records_unchanged + records_skipped + records_failed + records_deleted)
             / nullif(records_matched, 0), 1) AS percent,
       checkpoint_partition_key, round(extract(epoch FROM clock_timestamp() - heartbeat_at)) AS heartbeat_age_secs
FROM backfill_jobs ORDER BY created_at DESC LIMIT 20;

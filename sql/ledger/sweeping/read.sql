-- How far the closing sweep of a job is, and the next of its producer's partitions, in order of work: those whose records
-- the next span may meet, and the last record of them; of a job that was opened with its records, all of them.
-- $1 job, $2 most partitions
SELECT j.sweep, j.sweep_ended, j.sweep_cursor, j.sweep_partition, j.sweep_found, j.sweep_left::text,
       j.left_reasons::text,
       j.after_key, j.sort_order, j.upper_key, j.cursor_key, j.record_limit,
       j.records_matched - j.records_replanned AS planned_once,
       j.record_limit <= (SELECT sum(record_count) FROM backfill_partitions
                          WHERE backfill_job_id = j.id AND sweep = 0) AS is_cut_by_limit,
       l.partition_key AS last_partition, l.record_ids[l.record_count] AS last_id,
       CASE WHEN j.record_ids IS NOT NULL THEN ARRAY(
           SELECT unnest(b.record_ids) FROM backfill_partitions b
           WHERE b.backfill_job_id = j.id AND b.sweep = 0
             AND b.partition_key > j.sweep_partition AND b.partition_key <= l.partition_key) END AS ids,
       (SELECT coalesce(max(partition_key)::bigint, 0) + 1 FROM backfill_partitions
        WHERE backfill_job_id = j.id) AS next_number
FROM backfill_jobs j
LEFT JOIN LATERAL (
    SELECT max(b.partition_key) AS partition_key
    FROM (SELECT partition_key FROM backfill_partitions
          WHERE backfill_job_id = j.id AND sweep = 0 AND partition_key > j.sweep_partition
          ORDER BY partition_key LIMIT $2) b
) p ON true
LEFT JOIN backfill_partitions l ON l.backfill_job_id = j.id AND l.partition_key = p.partition_key
WHERE j.id = $1

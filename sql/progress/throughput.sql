-- Records a second, minute by minute, over the last half hour.
SELECT date_trunc('minute', completed_at) AS minute, count(*) AS partitions, sum(record_count) AS records,
       round(sum(record_count) / 60.0, 1) AS records_per_second, round(avg(duration_ms)) AS partition_ms
FROM backfill_partitions
WHERE completed_at > clock_timestamp() - interval '30 minutes'
GROUP BY 1 ORDER BY 1 DESC;

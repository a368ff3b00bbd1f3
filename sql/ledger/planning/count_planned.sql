-- The number of the next partition, how many records are in partitions, and how many of them have been queued.
-- $1 job
SELECT coalesce(max(partition_key)::bigint, 0) + 1 AS next_number, coalesce(sum(record_count), 0)::bigint AS records,
       coalesce(sum(record_count) FILTER (
           WHERE state <> 'pending' OR published_at IS NOT NULL OR not_before IS NOT NULL), 0)::bigint AS queued
FROM backfill_partitions WHERE backfill_job_id = $1

-- The number of the next partition, and how many records are in partitions.
-- $1 job
SELECT coalesce(max(partition_key)::bigint, 0) + 1 AS next_number, coalesce(sum(record_count), 0)::bigint AS records
FROM backfill_partitions WHERE backfill_job_id = $1

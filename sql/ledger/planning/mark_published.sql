-- Remember when the broker confirmed these partitions' messages.
-- $1 job, $2 partition keys
UPDATE backfill_partitions SET published_at = clock_timestamp()
WHERE backfill_job_id = $1 AND partition_key = ANY ($2) AND state = 'pending'

-- A message was dropped though its partition is still to be done: to be published again as soon as it may be claimed.
-- No row: it is not, or not by a message.
-- $1 job, $2 partition key
UPDATE backfill_partitions SET published_at = NULL
WHERE backfill_job_id = $1 AND partition_key = $2 AND state = 'pending'
RETURNING id

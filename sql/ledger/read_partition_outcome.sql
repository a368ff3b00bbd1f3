-- What became of a claim whose COMMIT gave no answer.
-- $1 partition id, $2 fence, $3 worker
SELECT state, not_before, fence = $2 AND worker_id = $3 AS is_mine FROM backfill_partitions WHERE id = $1

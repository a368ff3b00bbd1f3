-- Hold the claim for the apply; no row: another claim took over, and nothing may be written.
-- $1 partition id, $2 fence, $3 worker
SELECT id FROM backfill_partitions
WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'
FOR NO KEY UPDATE

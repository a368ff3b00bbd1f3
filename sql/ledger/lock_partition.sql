-- Hold the claim for the apply; no row: another claim took over, and nothing may be written. Triggers, audit tables and
-- logical decoding can tell the backfill's writes by the settings.
-- $1 partition id, $2 fence, $3 worker, $4 backfill, $5 job
SELECT id, set_config('backfill.name', $4, true), set_config('backfill.job', $5, true) FROM backfill_partitions
WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'
FOR NO KEY UPDATE

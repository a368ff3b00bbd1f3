-- Whether what was claimed is still to be worked on: its job neither paused nor ended, the claim nobody else's.
-- $1 partition id, $2 fence, $3 worker
SELECT EXISTS (
    SELECT FROM backfill_partitions p JOIN backfill_jobs j ON j.id = p.backfill_job_id
    WHERE p.id = $1 AND p.fence = $2 AND p.worker_id = $3 AND p.state = 'running'
      AND j.state IN ('pending', 'running', 'resuming'))

-- The messages of an active job are gone: its pending partitions are to be published again, once it is not paused. How
-- many they are.
-- $1 job
WITH forgotten AS (
UPDATE backfill_partitions p SET published_at = NULL
FROM backfill_jobs j
WHERE j.id = $1 AND j.state IN ('pending', 'running', 'paused', 'resuming') AND p.backfill_job_id = $1
  AND p.state = 'pending' AND p.published_at IS NOT NULL
  AND (p.not_before IS NULL OR p.not_before <= clock_timestamp())
RETURNING p.id
)
SELECT count(*) FROM forgotten

-- Let partitions of a job that are being applied finish first.
-- $1 job
SELECT FROM backfill_partitions WHERE backfill_job_id = $1 AND state = 'running' AND completed_at IS NULL FOR UPDATE

-- The minute in which so many records of a job were done, by the partitions that have ended; no row: not yet, or not known.
-- $1 job, $2 records
SELECT minute FROM (
    SELECT minute, sum(updated + unchanged + skipped + failed + deleted) OVER (ORDER BY minute) AS done
    FROM backfill_minutes WHERE backfill_job_id = $1
) m
WHERE done >= $2 ORDER BY minute LIMIT 1

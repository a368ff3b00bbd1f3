-- The newest failed records of a job by error and by shape of the message, each with a few records to look at, the newest
-- first.
-- $1 job, $2 most failed records, $3 most groups, $4 the newest id that counts, or NULL
WITH newest AS MATERIALIZED (
    SELECT id, error_class, error_message, record_id, failed_at FROM backfill_failures
    WHERE backfill_job_id = $1 AND id <= coalesce($4, 9223372036854775807) ORDER BY id DESC LIMIT $2
)
SELECT error_class, shape AS message, count(*) AS failed, min(failed_at) AS first_at, max(failed_at) AS last_at,
       (array_agg(record_id ORDER BY id))[1] AS first_record, (array_agg(record_id ORDER BY id DESC))[1:5] AS sample,
       (SELECT count(*) FROM newest) AS looked_at, (SELECT max(id) FROM newest) AS newest,
       EXISTS (SELECT FROM backfill_failures
               WHERE backfill_job_id = $1 AND id < (SELECT min(id) FROM newest)) AS is_cut
FROM (
    SELECT id, error_class, record_id, failed_at, backfill_failure_pattern(error_message) AS shape
    FROM newest
) f
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT $3

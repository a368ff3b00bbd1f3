-- A running job with as many partitions as are asked for, of ten records each, of which the first half has ended.
-- $1 how many
WITH job AS (
    INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, state, started_at, running_since, planned_at)
    VALUES ('ledger', 'all', 10, 'x', 'running', clock_timestamp(), clock_timestamp(), clock_timestamp())
    RETURNING id
)
INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count, state, records_updated,
    started_at, completed_at, duration_ms)
SELECT job.id, lpad(n::text, 9, '0'), array_fill(n::text, ARRAY[10]), 10,
       CASE WHEN n <= $1::integer / 2 THEN 'completed' ELSE 'pending' END, CASE WHEN n <= $1 / 2 THEN 10 ELSE 0 END,
       CASE WHEN n <= $1 / 2 THEN clock_timestamp() END, CASE WHEN n <= $1 / 2 THEN clock_timestamp() END,
       CASE WHEN n <= $1 / 2 THEN 20 END
FROM job, generate_series(1, $1) n
RETURNING backfill_job_id

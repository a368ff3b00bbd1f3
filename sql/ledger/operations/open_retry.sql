-- Open a job over the failed records of an ended one, planned whole: its partitions are inserted in the same transaction.
-- They come in the order in which that job had them.
-- What an earlier retry has done is left out: a record must not be written twice because two people asked.
-- Its definition is the first worker's: the failure's cause may have been corrected there. Its parameters stay, by a trigger.
-- $1 ended job, $2 only failures of this class, $3 with this message, $4 only of these records; NULL for all
WITH RECURSIVE retries AS (
    SELECT id FROM backfill_jobs WHERE parent_job_id = $1
    UNION
    SELECT j.id FROM backfill_jobs j JOIN retries r ON j.parent_job_id = r.id
), done AS (
    SELECT record_id FROM (
        SELECT p.backfill_job_id, unnest(p.record_ids) AS record_id
        FROM backfill_partitions p JOIN retries r ON r.id = p.backfill_job_id
        EXCEPT
        SELECT p.backfill_job_id, unnest(coalesce(p.remaining_ids, p.record_ids))
        FROM backfill_partitions p JOIN retries r ON r.id = p.backfill_job_id WHERE p.completed_at IS NULL
        EXCEPT
        SELECT f.backfill_job_id, f.record_id FROM backfill_failures f JOIN retries r ON r.id = f.backfill_job_id
    ) d
)
INSERT INTO backfill_jobs (tenant_id, asset_name, mode, priority, sort_order, batch_size, record_ids, key_range,
    definition_hash, upper_key, parent_job_id, heartbeat_at, planned_at)
SELECT j.tenant_id, j.asset_name, j.mode, j.priority, j.sort_order, j.batch_size, f.ids, j.key_range,
    '', j.upper_key, j.id, clock_timestamp(), clock_timestamp()
FROM backfill_jobs j,
     (SELECT array_agg(r.id ORDER BY p.partition_key, r.n) AS ids
      FROM backfill_partitions p, unnest(p.record_ids) WITH ORDINALITY AS r (id, n), backfill_failures f
      WHERE p.backfill_job_id = $1 AND p.records_failed > 0 AND f.backfill_job_id = $1 AND f.record_id = r.id
        AND f.partition_key = p.partition_key  -- one that was planned again is in several
        AND ($2::text IS NULL OR f.error_class = $2)
        AND ($3::text IS NULL OR backfill_failure_pattern(f.error_message) = $3)
        AND ($4::text[] IS NULL OR f.record_id = ANY ($4))
        AND r.id NOT IN (SELECT record_id FROM done)) f
WHERE j.id = $1 AND j.state IN ('completed', 'failed', 'cancelled') AND f.ids IS NOT NULL
RETURNING id

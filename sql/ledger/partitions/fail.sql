-- Give a partition up: what is left of it is listed as failed, record by record, but for those to spare, which wait for
-- another claim. How many that were; no row when the claim was lost.
-- $1 partition id, $2 fence, $3 worker, $4 error class, $5 error message, $6 ids to spare
WITH held AS (
    SELECT p.*, coalesce(remaining_ids, record_ids) AS ids FROM backfill_partitions p
    WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'
    FOR NO KEY UPDATE
), doomed AS (
    SELECT record_id FROM held, unnest(ids) AS i (record_id) WHERE record_id <> ALL ($6::text[])
), spared AS (  -- what was committed under this claim is done
    SELECT coalesce(array_agg(i.record_id ORDER BY i.place), '{}') AS ids
    FROM held, unnest(held.ids) WITH ORDINALITY AS i (record_id, place) WHERE i.record_id = ANY ($6::text[])
), failed AS (
    UPDATE backfill_partitions p SET state = CASE WHEN cardinality(spared.ids) = 0 THEN 'failed' ELSE 'pending' END,
        lease_expires_at = NULL, not_before = NULL, held_since = NULL, held_reason = NULL, error_message = $5,
        completed_at = CASE WHEN cardinality(spared.ids) = 0 THEN clock_timestamp() END,
        published_at = CASE WHEN cardinality(spared.ids) = 0 THEN p.published_at END,
        attempt_count = p.attempt_count - (cardinality(spared.ids) > 0)::integer,
        remaining_ids = CASE WHEN cardinality(spared.ids) = 0 THEN p.remaining_ids ELSE spared.ids END,
        retried_failed = p.retried_failed
            + (SELECT count(*) FROM unnest(p.retried_ids) AS r (id) WHERE id <> ALL (spared.ids)),
        retried_ids = CASE WHEN cardinality(spared.ids) > 0 AND p.retried_ids && spared.ids
            THEN ARRAY(SELECT unnest(p.retried_ids) INTERSECT SELECT unnest(spared.ids)) END,
        records_failed = p.records_failed + (SELECT count(*) FROM doomed)
    FROM held, spared WHERE p.id = held.id
    RETURNING p.tenant_id, p.backfill_job_id, p.partition_key, held.attempt_count
), listed AS (
    INSERT INTO backfill_failures (
        tenant_id, backfill_job_id, partition_key, record_id, error_class, error_message, attempts)
    SELECT tenant_id, backfill_job_id, partition_key, record_id, $4, $5, attempt_count FROM failed, doomed
    ON CONFLICT (backfill_job_id, record_id) DO UPDATE SET error_class = excluded.error_class,
        error_message = excluded.error_message, attempts = excluded.attempts, failed_at = clock_timestamp()
)
SELECT count(record_id) FROM failed LEFT JOIN doomed ON true HAVING count(*) > 0

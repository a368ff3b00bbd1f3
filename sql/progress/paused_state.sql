-- Paused jobs: since when, by whom and why, what is left, and what continues them; the longest pause first.
-- `cause` is all (paused together with others), definition (by a worker that could not go on), or empty: by itself.
SELECT j.asset_name, j.id AS job, j.paused_at,
       round(extract(epoch FROM clock_timestamp() - j.paused_at)) AS paused_secs,
       e.actor AS paused_by, e.reason, j.pause_cause AS cause, p.records_left, p.partitions_left, p.in_hand,
       CASE WHEN j.changed_definition_hash IS NOT NULL
                THEN 'backfill resume ' || j.id || ' --accept-definition, or the former definition and without that'
            WHEN j.pause_cause = 'definition'
                THEN 'correct its definition or table, restart the workers, then: backfill resume ' || j.id
            WHEN j.pause_cause = 'all' THEN 'backfill resume --all, or it alone: backfill resume ' || j.id
            ELSE 'backfill resume ' || j.id END AS continue_with
FROM backfill_jobs j
LEFT JOIN LATERAL (SELECT * FROM backfill_events WHERE backfill_job_id = j.id AND to_state = 'paused'
                   ORDER BY id DESC LIMIT 1) e ON true
CROSS JOIN LATERAL (
    SELECT coalesce(sum(record_count - records_updated - records_unchanged - records_skipped - records_failed
                        - records_deleted), 0) AS records_left,
           count(*) AS partitions_left, count(*) FILTER (WHERE state = 'running') AS in_hand
    FROM backfill_partitions WHERE backfill_job_id = j.id AND completed_at IS NULL
) p
WHERE j.state = 'paused' ORDER BY j.paused_at;

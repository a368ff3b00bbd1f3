-- What has happened since a job was last resumed: who did it, the first claim after it, and what has ended since then.
-- Without a first claim nobody works on it: no worker runs, or none reaches RabbitMQ.
SELECT j.asset_name, j.id AS job, j.state, r.at AS resumed_at, r.actor AS resumed_by, r.reason, c.at AS first_claim_at,
       round(extract(epoch FROM c.at - r.at), 1) AS secs_to_first_claim, p.*,
       round(p.records / nullif(extract(epoch FROM coalesce(j.completed_at, j.paused_at, clock_timestamp()) - c.at), 0),
             1) AS records_per_second
FROM backfill_jobs j
CROSS JOIN LATERAL (SELECT * FROM backfill_events WHERE backfill_job_id = j.id AND to_state = 'resuming'
                    ORDER BY id DESC LIMIT 1) r
LEFT JOIN LATERAL (SELECT at FROM backfill_events WHERE backfill_job_id = j.id AND to_state = 'running' AND id > r.id
                   ORDER BY id LIMIT 1) c ON true
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE completed_at >= r.at) AS partitions,
           coalesce(sum(record_count) FILTER (WHERE completed_at >= r.at), 0) AS records,
           coalesce(sum(records_failed) FILTER (WHERE completed_at >= r.at), 0) AS records_failed,
           count(*) FILTER (WHERE completed_at >= r.at AND state = 'failed') AS partitions_failed,
           count(*) FILTER (WHERE state = 'running') AS in_hand,
           count(*) FILTER (WHERE completed_at IS NULL) AS partitions_left,
           max(completed_at) FILTER (WHERE completed_at >= r.at) AS last_ended_at
    FROM backfill_partitions WHERE backfill_job_id = j.id
) p
ORDER BY r.at DESC LIMIT 20;

-- How many messages the queue of this class should hold: pending partitions whose message is old enough to be there.
-- $1 asset name, $2 priority, $3 grace in seconds
SELECT count(*) FROM backfill_partitions p JOIN backfill_jobs j ON j.id = p.backfill_job_id
WHERE j.tenant_id = backfill_tenant() AND j.asset_name = $1 AND j.priority = $2
  AND j.state IN ('pending', 'running', 'resuming') AND p.state = 'pending'
  AND greatest(p.published_at, p.not_before) < clock_timestamp() - make_interval(secs => $3)

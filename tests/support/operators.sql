-- The queries that operators already had in their runbooks, to be answered as they stand.
SELECT id, asset_name, state, completed_partitions || '/' || total_partitions as progress, EXTRACT(EPOCH FROM (NOW() - heartbeat_at)) as heartbeat_age_secs, checkpoint_partition_key
FROM backfill_jobs WHERE state = 'running' AND heartbeat_at < NOW() - INTERVAL '2 minutes' ORDER BY heartbeat_at;
UPDATE backfill_jobs SET state = 'paused', paused_at = NOW(), version = version + 1 WHERE id = '<job_id>' AND state = 'running' AND tenant_id = '<tenant_id>';
UPDATE backfill_jobs SET heartbeat_at = NOW() - INTERVAL '5 minutes', version = version + 1 WHERE id = '<job_id>' AND state = 'running';
SELECT id, state, heartbeat_at FROM backfill_jobs WHERE state IN ('pending', 'resuming') AND (heartbeat_at IS NULL OR heartbeat_at < NOW() - INTERVAL '120 seconds');
SELECT bp.partition_key, bp.attempt_count, bp.error_message, bp.completed_at FROM backfill_partitions bp JOIN backfill_jobs bj ON bp.backfill_job_id = bj.id WHERE bj.id = '<job_id>' AND bp.state = 'failed' ORDER BY bp.partition_key;
SELECT bj.checkpoint_partition_key as job_checkpoint, MAX(bp.partition_key) FILTER (WHERE bp.state = 'completed') as last_completed_partition, COUNT(*) FILTER (WHERE bp.state = 'pending') as pending_partitions, COUNT(*) FILTER (WHERE bp.state = 'completed') as completed_partitions
FROM backfill_jobs bj JOIN backfill_partitions bp ON bp.backfill_job_id = bj.id WHERE bj.id = '<job_id>' GROUP BY bj.checkpoint_partition_key;
UPDATE backfill_jobs SET state = 'cancelled', error_message = 'Bulk cancelled: stuck in resuming state', completed_at = NOW(), version = version + 1 WHERE state = 'resuming' AND heartbeat_at < NOW() - INTERVAL '10 minutes' RETURNING id, asset_name;

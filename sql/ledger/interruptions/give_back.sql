-- Give back a claim whose session has ended under it. Unless the server was started anew since, or another one has
-- taken its place, what the claim ran may have ended it: that is given back a few times only, each with a longer rest;
-- then it stays claimed, as an attempt. No row: the claim is not held any more.
-- $1 partition id, $2 fence, $3 worker, $4 whether the claim may have ended its session itself, $5 how often it may,
-- $6 seconds of the first rest, $7 when the server that gave the claim was started
WITH held AS (
    SELECT id, is_own, is_own AND interruptions >= $5 AS is_attempt
    FROM (SELECT id, interruptions, $4 AND pg_postmaster_start_time() = $7 AS is_own FROM backfill_partitions
          WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'running'
          FOR NO KEY UPDATE) p
)
UPDATE backfill_partitions p SET state = CASE WHEN is_attempt THEN 'running' ELSE 'pending' END,
    lease_expires_at = CASE WHEN is_attempt THEN lease_expires_at END,
    attempt_count = attempt_count - (NOT is_attempt)::integer, interruptions = interruptions + is_own::integer,
    published_at = CASE WHEN is_attempt OR NOT is_own THEN published_at END,
    not_before = CASE WHEN is_own AND NOT is_attempt
        THEN clock_timestamp() + make_interval(secs => $6::float8 * 2 ^ interruptions) END
FROM held WHERE p.id = held.id
RETURNING is_own, is_attempt

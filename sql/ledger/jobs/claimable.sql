-- What is left for workers of these backfills: to claim now, held by workers, being planned, and waiting for
-- a retry (some of them for somebody's lock).
-- $1 asset names
SELECT count(*) FILTER (WHERE p.state = 'pending' AND (p.not_before IS NULL OR p.not_before <= clock_timestamp()))
           AS claimable,
       count(*) FILTER (WHERE p.state = 'running') AS held,
       count(*) FILTER (WHERE p.state = 'pending' AND p.not_before > clock_timestamp()) AS waiting,
       count(*) FILTER (WHERE p.state = 'pending' AND p.not_before > clock_timestamp() AND p.held_since IS NOT NULL)
           AS locked,
       max(p.not_before) FILTER (WHERE p.state = 'pending' AND p.not_before > clock_timestamp()) AS waiting_until,
       (SELECT count(*) FROM backfill_jobs j
        WHERE j.tenant_id = backfill_tenant() AND j.asset_name = ANY ($1) AND j.planned_at IS NULL
        AND j.state IN ('pending', 'running', 'resuming') AND j.producer_lease_until > clock_timestamp()) AS planning
FROM backfill_jobs j JOIN backfill_partitions p ON p.backfill_job_id = j.id
WHERE j.tenant_id = backfill_tenant() AND j.asset_name = ANY ($1)
  AND j.state IN ('pending', 'running', 'resuming') AND p.state IN ('pending', 'running')

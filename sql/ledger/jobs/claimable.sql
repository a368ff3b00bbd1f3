-- What is left for workers of these backfills: to claim now, held by workers, being planned, and waiting for
-- a retry (some of them for somebody's lock). Of what there is to claim no more than a hundred are counted.
-- $1 asset names
WITH own AS MATERIALIZED (
    SELECT id, planned_at, producer_lease_until FROM backfill_jobs
    WHERE tenant_id = backfill_tenant() AND asset_name = ANY ($1) AND state IN ('pending', 'running', 'resuming')
), begun AS (
    SELECT count(*) FILTER (WHERE p.state = 'running') AS held,
           count(*) FILTER (WHERE p.state = 'pending' AND p.not_before > clock_timestamp()) AS waiting,
           count(*) FILTER (WHERE p.state = 'pending' AND p.not_before > clock_timestamp()
               AND p.held_since IS NOT NULL) AS locked,
           max(p.not_before) FILTER (WHERE p.state = 'pending' AND p.not_before > clock_timestamp()) AS waiting_until
    FROM own JOIN backfill_partitions p ON p.backfill_job_id = own.id
    WHERE p.completed_at IS NULL AND (p.state = 'running' OR p.not_before IS NOT NULL)
)
SELECT (SELECT count(*) FROM own CROSS JOIN LATERAL (
            SELECT FROM backfill_partitions p
            WHERE p.backfill_job_id = own.id AND p.state = 'pending'
              AND (p.not_before IS NULL OR p.not_before <= clock_timestamp())
            ORDER BY p.partition_key LIMIT 100) c) AS claimable,
       begun.*,
       (SELECT count(*) FROM own WHERE planned_at IS NULL AND producer_lease_until > clock_timestamp()) AS planning
FROM begun

-- Whoever planned the job and worked on it is known to be dead: nobody has to wait until its leases end.
WITH held AS (
    UPDATE backfill_partitions SET lease_expires_at = clock_timestamp() - interval '1 second'
    WHERE state = 'running' AND lease_expires_at > clock_timestamp()
)
UPDATE backfill_jobs SET producer_lease_until = clock_timestamp() WHERE producer_lease_until > clock_timestamp()

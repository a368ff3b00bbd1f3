-- Whoever planned the job is known to be dead: nobody has to wait until its lease ends.
UPDATE backfill_jobs SET producer_lease_until = clock_timestamp() WHERE producer_lease_until > clock_timestamp()

-- Stop leading, so that another need not wait for the lease.
-- $1 name, $2 holder
DELETE FROM backfill_leases WHERE name = $1 AND holder = $2

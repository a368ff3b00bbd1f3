-- How deep the queues of each backfill were in the last minutes.
-- $1 minutes
SELECT backfill, minute, ready, unacknowledged, delayed, dead FROM backfill_depths
WHERE tenant_id = backfill_tenant() AND minute > clock_timestamp() - make_interval(mins => $1)
ORDER BY backfill, minute

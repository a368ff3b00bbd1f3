-- Remember how deep a backfill's queues are in this minute, and forget what was a day ago.
-- $1 backfill, $2 ready in the queues of work, $3 unacknowledged or NULL, $4 in the delay queues, $5 in the dead queue
WITH old AS (
    DELETE FROM backfill_depths
    WHERE tenant_id = backfill_tenant() AND backfill = $1 AND minute < clock_timestamp() - interval '1 day'
)
INSERT INTO backfill_depths (backfill, minute, ready, unacknowledged, delayed, dead)
VALUES ($1, date_trunc('minute', clock_timestamp(), 'UTC'), $2, $3, $4, $5)
ON CONFLICT (tenant_id, backfill, minute) DO UPDATE SET ready = excluded.ready,
    unacknowledged = excluded.unacknowledged, delayed = excluded.delayed, dead = excluded.dead

-- What happened that is about no job, the newest last, and no more than so many of them.
-- $1 most
SELECT at, event, actor, login, from_state, to_state, reason, details
FROM (
    SELECT * FROM backfill_events WHERE tenant_id = backfill_tenant() AND backfill_job_id IS NULL
    ORDER BY id DESC LIMIT $1
) AS newest
ORDER BY id

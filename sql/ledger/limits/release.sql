-- Let a limit go that rests: calls may be made from now on, at the rate that is allowed. Remembered as an event of the
-- job whose call was refused, as far as that is known. No row: it does not rest.
-- $1 limit, $2 why, or NULL
WITH resting AS (
    SELECT tenant_id, name, held_until, held_reason FROM backfill_limits
    WHERE tenant_id = backfill_tenant() AND name = $1 AND held_until > clock_timestamp() FOR NO KEY UPDATE
), released AS (
    UPDATE backfill_limits l SET held_until = clock_timestamp(), raised_at = clock_timestamp()
    FROM resting r WHERE l.tenant_id = r.tenant_id AND l.name = r.name
    RETURNING r.held_until, r.held_reason
), remembered AS (
    INSERT INTO backfill_events (backfill_job_id, event, actor, reason, details)
    SELECT e.backfill_job_id, 'limit.released', backfill_actor(), $2,
           jsonb_build_object('limit', $1::text, 'seconds', extract(epoch FROM r.held_until - clock_timestamp()))
    FROM released r, (
        SELECT backfill_job_id FROM backfill_events
        WHERE tenant_id = backfill_tenant() AND event = 'limit.held' AND details ->> 'limit' = $1
        ORDER BY id DESC LIMIT 1) e
)
SELECT held_until, held_reason FROM released

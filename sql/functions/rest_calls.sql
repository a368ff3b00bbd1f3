-- A service has refused a call: let all workers rest for so many seconds, at least one, at most 15 minutes whatever it
-- asks for. A rest halves the rate once, however many calls are refused in it, and never below a 64th; it leaves one
-- event with the job at hand. Turns that were taken are void, and after it they are given one by one.
CREATE OR REPLACE FUNCTION backfill_rest_calls(
    the_limit text, the_job uuid, seconds double precision, reason text
) RETURNS TABLE (held_seconds double precision, held_until timestamptz, is_new boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    l backfill_limits;
    moment timestamptz;
    until timestamptz;
    begins boolean;
BEGIN
    INSERT INTO backfill_limits (name) VALUES (the_limit) ON CONFLICT DO NOTHING;
    SELECT * INTO l FROM backfill_limits WHERE tenant_id = backfill_tenant() AND name = the_limit FOR NO KEY UPDATE;
    moment := clock_timestamp();
    begins := NOT coalesce(l.held_until > moment, false);
    until := moment + make_interval(secs => CASE WHEN seconds = 'NaN' THEN 1 ELSE least(900, greatest(1, seconds)) END);
    IF begins AND l.adaptive THEN
        IF l.refused_rate IS NULL OR coalesce(moment >= l.held_until + interval '5 seconds', true) THEN
            l.refused_rate := l.allowed_rate;  -- refused before it was raised, it is not for its rate
        END IF;
        l.allowed_rate := greatest(l.allowed_rate / 2, l.rate / 64);
    END IF;
    IF begins OR until > l.held_until THEN
        l.held_until := until;
        l.held_reason := reason;
    END IF;
    UPDATE backfill_limits SET allowed_rate = l.allowed_rate, refused_rate = l.refused_rate, raised_at = l.held_until,
        next_at = least(next_at, moment), held_since = CASE WHEN begins THEN moment ELSE held_since END,
        held_until = l.held_until, held_reason = l.held_reason, refused_at = moment, refusals = refusals + 1
    WHERE tenant_id = l.tenant_id AND name = l.name;
    IF begins THEN
        INSERT INTO backfill_events (backfill_job_id, event, actor, reason, details)
        VALUES (the_job, 'limit.held', backfill_actor(), reason,
                jsonb_build_object('limit', the_limit, 'seconds', extract(epoch FROM until - moment)));
    END IF;
    RETURN QUERY SELECT extract(epoch FROM l.held_until - moment)::float8, l.held_until, begins;
END
$$;

-- Take turns to call a service, in a transaction of its own and one round trip. A schedule for all workers together is
-- kept in the limit's row: turns at even distances, the first no earlier than the last one that anybody has; after a
-- pause as many at once as `burst` says. Given back is what lies between now and the first of them, and between two. No
-- turn is given while the limit rests. What was taken need not survive a crash of the database.
--
-- A rate that was halved is raised step by step. Just below the one that was refused it stays for three minutes, before
-- it is tried what lies beyond.
--
-- Where calls under way are limited, each worker has a share until its lease ends. It grows by what nobody has or may
-- claim first, and shrinks, as calls end, when others want theirs: everybody an equal part; where that is less than one,
-- whoever has waited for longest, and whoever had one for a second waits again.
--
-- The last definition that asks is what the row says. `is_declared`: else the row is there only if a service has refused.
-- `under_way` and `wanted` are numbers of calls, `made` those since the last question.
CREATE OR REPLACE FUNCTION backfill_take_calls(
    the_limit text, is_declared boolean, the_rate double precision, the_burst integer, the_concurrency integer,
    is_adaptive boolean, the_worker uuid, lease_seconds double precision, turns integer, made bigint,
    under_way integer, wanted_now integer
) RETURNS TABLE (
    first_seconds double precision, step_seconds double precision, granted integer, permits integer,
    held_seconds double precision, held_until timestamptz, held_reason text, waited_seconds double precision
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    l backfill_limits;
    mine backfill_limit_shares;
    moment timestamptz;
    first_at timestamptz;
    step double precision;
    steps double precision;
    given integer := 0;
    wanting integer;
    free integer;
    share integer;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    LOOP
        SELECT * INTO l FROM backfill_limits WHERE tenant_id = backfill_tenant() AND name = the_limit FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        IF NOT is_declared THEN
            RETURN;
        END IF;
        INSERT INTO backfill_limits (name) VALUES (the_limit) ON CONFLICT DO NOTHING;
    END LOOP;
    moment := clock_timestamp();

    IF is_declared AND (l.rate, l.burst, l.concurrency, l.adaptive)
                       IS DISTINCT FROM (the_rate, the_burst, the_concurrency, is_adaptive) THEN
        IF l.next_at > moment THEN  -- as many turns as were taken, at the new distance
            l.next_at := moment + coalesce((l.next_at - moment) * (l.rate / the_rate), interval '0');
        END IF;
        l.allowed_rate := CASE WHEN is_adaptive THEN coalesce(the_rate * (l.allowed_rate / l.rate), the_rate)
                               ELSE the_rate END;
        l.rate := the_rate;
        l.burst := the_burst;
        l.concurrency := the_concurrency;
        l.adaptive := is_adaptive;
    END IF;
    IF l.allowed_rate < l.rate AND moment >= l.raised_at + interval '5 seconds' THEN
        steps := floor(extract(epoch FROM moment - l.raised_at) / 5);
        l.allowed_rate := least(l.rate, l.allowed_rate + steps * 0.05 * l.rate,
            CASE WHEN l.refused_rate IS NOT NULL AND moment < l.held_until + interval '3 minutes'
                THEN greatest(l.allowed_rate, 0.9 * l.refused_rate) END);
        l.raised_at := l.raised_at + make_interval(secs => steps * 5);
    END IF;

    IF l.allowed_rate IS NOT NULL THEN
        step := 1 / l.allowed_rate;
        IF turns > 0 AND NOT coalesce(l.held_until > moment, false) THEN
            given := turns;
            first_at := greatest(l.next_at, l.held_until, moment - make_interval(secs => (l.burst - 1) * step));
            l.next_at := first_at + make_interval(secs => given * step);
        END IF;
    END IF;

    IF l.concurrency IS NOT NULL THEN
        DELETE FROM backfill_limit_shares s
        WHERE s.tenant_id = l.tenant_id AND s.name = l.name AND s.expires_at < moment;
        SELECT * INTO mine FROM backfill_limit_shares s
        WHERE s.tenant_id = l.tenant_id AND s.name = l.name AND s.worker_id = the_worker;
        SELECT count(*) FILTER (WHERE s.wanted > 0) + CASE WHEN wanted_now > 0 THEN 1 ELSE 0 END INTO wanting
        FROM backfill_limit_shares s
        WHERE s.tenant_id = l.tenant_id AND s.name = l.name AND s.worker_id <> the_worker;
        SELECT l.concurrency - coalesce(sum(greatest(s.permits,
                CASE WHEN wanting <= l.concurrency OR s.queued_at < coalesce(mine.queued_at, moment)
                    THEN least(s.wanted, greatest(1, l.concurrency / greatest(wanting, 1))) ELSE 0 END)), 0)
        INTO free FROM backfill_limit_shares s
        WHERE s.tenant_id = l.tenant_id AND s.name = l.name AND s.worker_id <> the_worker;
        share := greatest(0, least(wanted_now, free),
            CASE WHEN mine.permits > 0 AND mine.queued_at > moment THEN least(wanted_now, 1) ELSE 0 END);
        IF wanted_now = 0 THEN
            DELETE FROM backfill_limit_shares s
            WHERE s.tenant_id = l.tenant_id AND s.name = l.name AND s.worker_id = the_worker;
        ELSE
            INSERT INTO backfill_limit_shares AS s (name, worker_id, permits, wanted, queued_at, expires_at)
            -- What is under way counts until it is over, also where it is more than may go on afterwards.
            VALUES (l.name, the_worker, greatest(under_way, share), wanted_now,
                    CASE WHEN share > 0 AND coalesce(mine.permits, 0) = 0 THEN moment + interval '1 second'
                         ELSE coalesce(mine.queued_at, moment) END,
                    moment + make_interval(secs => lease_seconds))
            ON CONFLICT (tenant_id, name, worker_id) DO UPDATE SET permits = excluded.permits,
                wanted = excluded.wanted, queued_at = excluded.queued_at, expires_at = excluded.expires_at;
        END IF;
    END IF;

    IF given > 0 OR made > 0 OR l.used_at IS NULL THEN  -- else it was a look
        UPDATE backfill_limits SET rate = l.rate, burst = l.burst, concurrency = l.concurrency, adaptive = l.adaptive,
            allowed_rate = l.allowed_rate, raised_at = l.raised_at, next_at = l.next_at, calls = calls + made,
            used_at = moment
        WHERE tenant_id = l.tenant_id AND name = l.name;
    END IF;
    RETURN QUERY SELECT extract(epoch FROM first_at - moment)::float8, step, given, share,
        CASE WHEN l.held_until > moment THEN extract(epoch FROM l.held_until - moment)::float8 END,
        l.held_until, l.held_reason, extract(epoch FROM moment - statement_timestamp())::float8;
END
$$;

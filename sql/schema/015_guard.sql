-- Whom the ledger believes: a login sees the tenants that it belongs to, what was planned and what has happened stays as
-- it is, and nothing that a session finds on its search path stands in for what is meant.
-- oldest program: 3

-- Which roles' members belong to a tenant. `public` stands for every role that belongs to none: `default` is open to
-- these, and so are the tenants that had rows before, until `backfill init --roles --tenant` closes them.
CREATE TABLE backfill_tenants (
    tenant_id text NOT NULL,
    role text NOT NULL,
    PRIMARY KEY (tenant_id, role)
);
INSERT INTO backfill_tenants VALUES ('default', 'public');
-- Until they are forced again below, whoever owns the tables sees every tenant's rows: so do the checks of new constraints.
ALTER TABLE backfill_jobs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_partitions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_failures NO FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_workers NO FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_events NO FORCE ROW LEVEL SECURITY;
INSERT INTO backfill_tenants
SELECT tenant_id, 'public' FROM backfill_jobs UNION SELECT tenant_id, 'public' FROM backfill_workers
UNION SELECT tenant_id, 'public' FROM backfill_events  -- which stay when all jobs of a tenant have been deleted
ON CONFLICT DO NOTHING;

-- The tenants of who has logged in, whatever role the session has taken on since; NULL: all, as of whoever owns the
-- ledger and could change its policies.
CREATE FUNCTION backfill_own_tenants() RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE AS $$
BEGIN
    IF pg_has_role(session_user, current_user, 'MEMBER') THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT coalesce(array_agg(tenant_id) FILTER (WHERE role <> 'public'), array_agg(tenant_id), '{}')
        FROM backfill_tenants
        WHERE role = 'public' OR pg_has_role(session_user, to_regrole(quote_ident(role)), 'MEMBER'));
END
$$;

-- The tenant that the session has chosen among its own; NULL: none, or one of somebody else.
CREATE FUNCTION backfill_chosen_tenant() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    chosen text := nullif(current_setting('app.current_tenant', true), '');
    own text[];
BEGIN
    IF chosen IS NULL THEN
        RETURN NULL;
    END IF;
    own := backfill_own_tenants();
    RETURN CASE WHEN own IS NULL OR chosen = ANY (own) THEN chosen END;
END
$$;

-- Nobody takes part in another tenant's job; what was put there before, that one has never seen.
DELETE FROM backfill_partitions p USING backfill_jobs j WHERE j.id = p.backfill_job_id AND j.tenant_id <> p.tenant_id;
DELETE FROM backfill_failures f USING backfill_jobs j WHERE j.id = f.backfill_job_id AND j.tenant_id <> f.tenant_id;
ALTER TABLE backfill_jobs ADD CONSTRAINT backfill_jobs_tenant_key UNIQUE (id, tenant_id);
DROP INDEX backfill_jobs_pass_idx;
CREATE UNIQUE INDEX backfill_jobs_pass_idx ON backfill_jobs (first_job_id, pass_number, tenant_id);
ALTER TABLE backfill_partitions
    DROP CONSTRAINT backfill_partitions_backfill_job_id_fkey,
    ADD CONSTRAINT backfill_partitions_backfill_job_id_fkey FOREIGN KEY (backfill_job_id, tenant_id)
        REFERENCES backfill_jobs (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE backfill_failures
    DROP CONSTRAINT backfill_failures_backfill_job_id_fkey,
    ADD CONSTRAINT backfill_failures_backfill_job_id_fkey FOREIGN KEY (backfill_job_id, tenant_id)
        REFERENCES backfill_jobs (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE backfill_jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_partitions FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_failures FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_workers FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_events FORCE ROW LEVEL SECURITY;

-- Who had logged in stands beside who says that it was he; and some of what happens is about no job.
ALTER TABLE backfill_events
    ADD COLUMN login text,                            -- NULL: from before the ledger knew
    ALTER COLUMN backfill_job_id DROP NOT NULL;
CREATE FUNCTION backfill_event_has_login() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.login := session_user;
    NEW.at := clock_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER backfill_events_login BEFORE INSERT ON backfill_events
    FOR EACH ROW EXECUTE FUNCTION backfill_event_has_login();

-- However a worker is asked to stop, by a command of any version or by hand.
CREATE FUNCTION backfill_worker_is_asked_to_stop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO backfill_events (tenant_id, event, actor, details)
    VALUES (NEW.tenant_id, 'worker.stop_requested', coalesce(NEW.stop_requested_by, backfill_actor()),
            jsonb_build_object('worker', NEW.id, 'host', NEW.host, 'pid', NEW.pid));
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_workers_asked AFTER UPDATE OF stop_requested_at ON backfill_workers
    FOR EACH ROW WHEN (OLD.stop_requested_at IS NULL AND NEW.stop_requested_at IS NOT NULL)
    EXECUTE FUNCTION backfill_worker_is_asked_to_stop();

-- What was planned is what is worked on, and what is left of it is some of it.
CREATE FUNCTION backfill_partition_is_as_planned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'partition % of job % stays as it was planned', OLD.partition_key, OLD.backfill_job_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'backfill_partitions_as_planned';
END
$$;
CREATE TRIGGER backfill_partitions_as_planned
    BEFORE UPDATE OF backfill_job_id, tenant_id, partition_key, record_ids, record_count, sweep ON backfill_partitions
    FOR EACH ROW WHEN (
        (OLD.backfill_job_id, OLD.tenant_id, OLD.partition_key, OLD.record_ids, OLD.record_count, OLD.sweep)
        IS DISTINCT FROM
        (NEW.backfill_job_id, NEW.tenant_id, NEW.partition_key, NEW.record_ids, NEW.record_count, NEW.sweep))
    EXECUTE FUNCTION backfill_partition_is_as_planned();

CREATE FUNCTION backfill_partition_leaves_its_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT unnest(NEW.remaining_ids) EXCEPT SELECT unnest(NEW.record_ids)) THEN
        RAISE EXCEPTION 'partition % of job % has no such records left', OLD.partition_key, OLD.backfill_job_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'backfill_partitions_as_planned';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER backfill_partitions_leave_their_own BEFORE UPDATE OF remaining_ids ON backfill_partitions
    FOR EACH ROW WHEN (NEW.remaining_ids IS NOT NULL AND OLD.remaining_ids IS DISTINCT FROM NEW.remaining_ids)
    EXECUTE FUNCTION backfill_partition_leaves_its_own();

-- Row-level security and the rule of events say nothing of TRUNCATE, which asks nobody about a row.
CREATE FUNCTION backfill_table_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is not truncated: jobs that have ended are deleted with: backfill delete', TG_TABLE_NAME;
END
$$;

DO $$
DECLARE
    ledger_table text;
    role_name text;
BEGIN
    FOREACH ledger_table IN ARRAY ARRAY[
        'backfill_jobs', 'backfill_partitions', 'backfill_failures', 'backfill_workers', 'backfill_events',
        'backfill_leases', 'backfill_limits', 'backfill_limit_shares'
    ] LOOP
        -- Asked once a statement, not once a row.
        EXECUTE format('ALTER POLICY tenant ON %I USING (tenant_id = (SELECT backfill_chosen_tenant()))', ledger_table);
    END LOOP;
    FOREACH ledger_table IN ARRAY ARRAY[
        'backfill_jobs', 'backfill_partitions', 'backfill_failures', 'backfill_workers', 'backfill_events',
        'backfill_leases', 'backfill_limits', 'backfill_limit_shares', 'backfill_tenants', 'backfill_schema'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %I EXECUTE FUNCTION backfill_table_is_kept()',
            ledger_table || '_kept', ledger_table);
    END LOOP;
    -- Roles that were made before go on: `init --roles` need not come first.
    FOREACH role_name IN ARRAY ARRAY['backfill_owner', 'backfill_operator', 'backfill_worker', 'backfill_reader'] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name)
           AND has_table_privilege(role_name, 'backfill_jobs', 'SELECT') THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION backfill_own_tenants(), backfill_chosen_tenant() TO %I', role_name);
        END IF;
    END LOOP;
END
$$;

-- As before, but what they name is found when they are made, not when they are called.
CREATE OR REPLACE FUNCTION backfill_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(nullif(current_setting('app.current_tenant', true), ''), 'default');

CREATE OR REPLACE FUNCTION backfill_claim_lock(job uuid) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN hashtext('backfill/' || job::text);

CREATE OR REPLACE FUNCTION backfill_actor() RETURNS text LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('backfill.actor', true), ''), session_user::text);

CREATE OR REPLACE FUNCTION backfill_allowed_states(from_state text) RETURNS text[] LANGUAGE sql IMMUTABLE
RETURN CASE from_state
    WHEN 'pending' THEN ARRAY['running', 'paused', 'cancelled']
    WHEN 'running' THEN ARRAY['paused', 'completed', 'failed', 'cancelled']
    WHEN 'paused' THEN ARRAY['resuming', 'cancelled']
    WHEN 'resuming' THEN ARRAY['running', 'paused', 'cancelled']
    ELSE ARRAY[]::text[]
END;

CREATE OR REPLACE FUNCTION backfill_is_alive(w backfill_workers) RETURNS boolean LANGUAGE sql STABLE
RETURN w.stopped_at IS NULL AND w.heartbeat_at > clock_timestamp() - make_interval(secs => w.lease_seconds);

CREATE OR REPLACE FUNCTION backfill_is_before(one jsonb, other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN jsonb_typeof(one) = 'number' AND jsonb_typeof(other) = 'number'
        THEN (one #>> '{}')::numeric < (other #>> '{}')::numeric
    WHEN jsonb_typeof(one) = 'string' AND jsonb_typeof(other) = 'string'
        THEN (one #>> '{}') COLLATE "C" < (other #>> '{}') COLLATE "C"
    ELSE false
END;

CREATE OR REPLACE FUNCTION backfill_scopes_meet(one jsonb, other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT
RETURN NOT EXISTS (
    SELECT FROM jsonb_each(one) a JOIN jsonb_each(other) b USING (key)
    WHERE backfill_is_before(a.value -> 1, b.value -> 0) OR backfill_is_before(b.value -> 1, a.value -> 0));

CREATE OR REPLACE FUNCTION backfill_definition_of(the_job uuid) RETURNS text LANGUAGE sql VOLATILE
RETURN (SELECT definition_hash FROM backfill_jobs WHERE id = the_job);

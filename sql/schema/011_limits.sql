-- What services may be called by all workers together, and what they were called.
-- oldest program: 3
CREATE TABLE backfill_limits (
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    name text NOT NULL,                       -- of the limit: the definition's, unless it names another
    rate double precision,                    -- calls a second, as the definition says; NULL: as many as there are
    burst integer NOT NULL DEFAULT 1,
    concurrency integer,                      -- calls under way at once; NULL: as many as there are
    adaptive boolean NOT NULL DEFAULT true,
    allowed_rate double precision,            -- now; less than `rate` since the service refused a call
    raised_at timestamptz,                    -- from here on it is raised again, every five seconds
    next_at timestamptz,                      -- when the next call may be made that nobody has the turn of
    held_since timestamptz,                   -- when the last rest began
    held_until timestamptz,                   -- when it ends, or ended
    held_reason text,
    refused_at timestamptz,                   -- the last call that the service refused
    calls bigint NOT NULL DEFAULT 0,          -- ever
    refusals bigint NOT NULL DEFAULT 0,
    used_at timestamptz,
    PRIMARY KEY (tenant_id, name),
    CONSTRAINT backfill_limits_rate_check CHECK (rate > 0 AND allowed_rate > 0)
) WITH (fillfactor = 50);  -- one row that changes often: its versions stay on its page

-- How many calls each worker may have under way, of a limit that says how many there may be.
CREATE TABLE backfill_limit_shares (
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    name text NOT NULL,
    worker_id uuid NOT NULL,
    permits integer NOT NULL,
    wanted integer NOT NULL,
    queued_at timestamptz NOT NULL,           -- where there are fewer permits than workers: who is next
    expires_at timestamptz NOT NULL,          -- a worker that was killed gives its permits back with its lease
    PRIMARY KEY (tenant_id, name, worker_id)
) WITH (fillfactor = 50);

ALTER TABLE backfill_partitions
    ADD COLUMN calls_made bigint NOT NULL DEFAULT 0,
    ADD COLUMN calls_refused bigint NOT NULL DEFAULT 0,
    ADD COLUMN retried_ids text[],                        -- of those that are left: the ones with a failed try behind them
    ADD COLUMN retried_recovered integer NOT NULL DEFAULT 0,  -- of such: those that came to an end all the same
    ADD COLUMN retried_failed integer NOT NULL DEFAULT 0;     -- and those that were given up
ALTER TABLE backfill_partitions ALTER COLUMN retried_ids SET STORAGE EXTERNAL;
ALTER TABLE backfill_jobs
    ADD COLUMN calls_made bigint NOT NULL DEFAULT 0,
    ADD COLUMN calls_refused bigint NOT NULL DEFAULT 0,
    ADD COLUMN retried_recovered bigint NOT NULL DEFAULT 0,
    ADD COLUMN retried_failed bigint NOT NULL DEFAULT 0;

-- As for the ledger's other tables.
DO $$
DECLARE
    ledger_table text;
BEGIN
    FOREACH ledger_table IN ARRAY ARRAY['backfill_limits', 'backfill_limit_shares'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', ledger_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', ledger_table);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (tenant_id = current_setting(''app.current_tenant'', true))', ledger_table);
    END LOOP;
END
$$;

-- The job's row has what its partitions say of calls; with its end, as the last word.
CREATE FUNCTION backfill_job_counts_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(sum(calls_made), 0), coalesce(sum(calls_refused), 0), coalesce(sum(retried_recovered), 0),
           coalesce(sum(retried_failed), 0)
    INTO NEW.calls_made, NEW.calls_refused, NEW.retried_recovered, NEW.retried_failed
    FROM backfill_partitions WHERE backfill_job_id = NEW.id;
    RETURN NEW;
END
$$;
-- Behind `backfill_jobs_state` in the order of names, which has waited for whoever is settling a partition.
CREATE TRIGGER backfill_jobs_state_calls BEFORE UPDATE OF state ON backfill_jobs
    FOR EACH ROW WHEN (NEW.completed_at IS NOT NULL AND OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION backfill_job_counts_calls();

-- Calls of a claim that ends when its job has ended already.
CREATE FUNCTION backfill_partition_counts_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1115, backfill_claim_lock(NEW.backfill_job_id));
    PERFORM FROM backfill_jobs WHERE id = NEW.backfill_job_id AND completed_at IS NOT NULL FOR NO KEY UPDATE;
    IF FOUND THEN
        UPDATE backfill_jobs SET calls_made = s.made, calls_refused = s.refused, retried_recovered = s.recovered,
            retried_failed = s.failed
        FROM (SELECT sum(calls_made) AS made, sum(calls_refused) AS refused, sum(retried_recovered) AS recovered,
                     sum(retried_failed) AS failed
              FROM backfill_partitions WHERE backfill_job_id = NEW.backfill_job_id) s
        WHERE id = NEW.backfill_job_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_partitions_calls AFTER UPDATE ON backfill_partitions
    FOR EACH ROW WHEN (OLD.calls_made + OLD.calls_refused + OLD.retried_recovered + OLD.retried_failed
                       <> NEW.calls_made + NEW.calls_refused + NEW.retried_recovered + NEW.retried_failed)
    EXECUTE FUNCTION backfill_partition_counts_calls();

-- Roles that were made before go on: `init --roles` need not come first.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['backfill_owner', 'backfill_operator', 'backfill_worker', 'backfill_reader'] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name)
           AND has_table_privilege(role_name, 'backfill_leases', 'SELECT') THEN
            EXECUTE format('GRANT SELECT ON backfill_limits, backfill_limit_shares TO %I', role_name);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_owner')
       AND has_table_privilege('backfill_owner', 'backfill_leases', 'DELETE') THEN
        GRANT ALL ON backfill_limits, backfill_limit_shares TO backfill_owner;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_worker')
       AND has_table_privilege('backfill_worker', 'backfill_leases', 'DELETE') THEN
        GRANT INSERT, UPDATE ON backfill_limits TO backfill_worker;
        GRANT INSERT, UPDATE, DELETE ON backfill_limit_shares TO backfill_worker;
        GRANT UPDATE (calls_made, calls_refused, retried_recovered, retried_failed) ON backfill_jobs TO backfill_worker;
    END IF;
END
$$;

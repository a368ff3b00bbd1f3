-- Counting costs what has ended since it was last counted, not what the job has: and what was counted is kept by the minute.
-- oldest program: 3

-- All that older programs are to be kept from, at once: they lock these tables in more than one order, and none of them is
-- to be the victim of a deadlock, nor to wait behind this for longer than a moment while somebody holds one of them.
DO $$
DECLARE
    as_before text := current_setting('lock_timeout');
    until timestamptz := clock_timestamp() + interval '1 minute';
BEGIN
    LOOP
        BEGIN
            PERFORM set_config('lock_timeout', '300ms', true);
            LOCK TABLE backfill_jobs IN SHARE ROW EXCLUSIVE MODE;
            LOCK TABLE backfill_partitions, backfill_failures, backfill_workers IN ACCESS EXCLUSIVE MODE;
            PERFORM set_config('lock_timeout', as_before, true);
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN  -- what it had is given back
            IF clock_timestamp() > until THEN
                RAISE EXCEPTION 'the ledger was in use for a minute: end the transactions that are open on it, or stop its '
                    'workers, and run again: backfill init' USING ERRCODE = 'lock_not_available';
            END IF;
            PERFORM pg_sleep(0.2);
        END;
    END LOOP;
END
$$;

-- Which transaction has ended a partition. Those that a snapshot does not see are yet to be counted, by whoever counts
-- next; a transaction that takes long holds nothing up, and what ended behind the oldest one is looked at again till then.
ALTER TABLE backfill_partitions
    ADD COLUMN ended_xid xid8;                        -- NULL: it has not, or did before the ledger asked
CREATE INDEX backfill_partitions_ended_idx ON backfill_partitions (backfill_job_id, ended_xid)
    WHERE ended_xid IS NOT NULL;
-- What is in hand, waits for a retry, is held, or was done in part: few of a job's partitions at a time.
CREATE INDEX backfill_partitions_begun_idx ON backfill_partitions (backfill_job_id)
    WHERE completed_at IS NULL
        AND (started_at IS NOT NULL OR state = 'running' OR not_before IS NOT NULL OR held_since IS NOT NULL);

-- What did not complete, and failed records in the order in which they failed, also those of one error: a page at a time.
CREATE INDEX backfill_partitions_lost_idx ON backfill_partitions (backfill_job_id, partition_key)
    WHERE state IN ('failed', 'skipped');
CREATE INDEX backfill_failures_order_idx ON backfill_failures (backfill_job_id, id);
CREATE INDEX backfill_failures_error_idx ON backfill_failures (backfill_job_id, error_class, id);

-- The shape of an error's message, by which failed records are grouped: what stands in quotes, and every number, counts as
-- the same; only the beginning of it. An apostrophe within a word opens no quotes; a uuid, an address and a date are one
-- number each.
CREATE FUNCTION backfill_failure_pattern(message text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(regexp_replace(regexp_replace(left(message, 300),
    '(?<!\w)''[^'']*''|"[^"]*"', '''…''', 'g'),
    '\m([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-f]+)\M', '#', 'gi'),
    '-?[0-9]+([.,:-][0-9]+)*', '#', 'g');

-- By whatever program, and by hand.
CREATE FUNCTION backfill_partition_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ended_xid := pg_current_xact_id();
    RETURN NEW;
END
$$;
CREATE TRIGGER backfill_partitions_ends BEFORE UPDATE ON backfill_partitions
    FOR EACH ROW WHEN (OLD.completed_at IS NULL AND NEW.completed_at IS NOT NULL)
    EXECUTE FUNCTION backfill_partition_ends();
CREATE TRIGGER backfill_partitions_inserted BEFORE INSERT ON backfill_partitions
    FOR EACH ROW WHEN (NEW.completed_at IS NOT NULL)
    EXECUTE FUNCTION backfill_partition_ends();

-- Whose transactions these are: of a ledger that was restored, they are another cluster's. NULL: a server that keeps it to
-- itself, as some do that are rented.
CREATE FUNCTION backfill_cluster() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF has_function_privilege('pg_control_system()', 'EXECUTE') THEN
        RETURN (SELECT system_identifier FROM pg_control_system());
    END IF;
    RETURN NULL;
END
$$;

-- Whether what was counted up to a snapshot can be added to: it is of this cluster, as far as that is known, and not of
-- another life of it, whose transactions were further on.
CREATE FUNCTION backfill_is_counted(snapshot pg_snapshot, cluster bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(cluster = backfill_cluster(), true)
        AND coalesce(pg_snapshot_xmax(snapshot) <= pg_snapshot_xmax(pg_current_snapshot()), false);
END
$$;

-- What is counted of each job: all of its partitions, and what those have come to that have ended.
CREATE TABLE backfill_rollups (
    backfill_job_id uuid PRIMARY KEY,
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    snapshot pg_snapshot,                             -- what ended within sight of it is counted; NULL: count all anew
    cluster bigint,                                   -- whose transactions these are: a restored ledger counts anew
    partitions bigint NOT NULL DEFAULT 0,             -- planned
    records bigint NOT NULL DEFAULT 0,                -- in these
    completed bigint NOT NULL DEFAULT 0,              -- partitions that have ended, by state
    failed bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    records_updated bigint NOT NULL DEFAULT 0,        -- of partitions that have ended, as are the rest
    records_unchanged bigint NOT NULL DEFAULT 0,
    records_skipped bigint NOT NULL DEFAULT 0,
    records_failed bigint NOT NULL DEFAULT 0,
    records_deleted bigint NOT NULL DEFAULT 0,
    calls_made bigint NOT NULL DEFAULT 0,
    calls_refused bigint NOT NULL DEFAULT 0,
    retried_recovered bigint NOT NULL DEFAULT 0,
    retried_failed bigint NOT NULL DEFAULT 0,
    skip_reasons jsonb NOT NULL DEFAULT '{}',
    first_started_at timestamptz,
    last_completed_at timestamptz,
    recent_second bigint NOT NULL DEFAULT 0,          -- the epoch's second of the last one in:
    recent_records integer[] NOT NULL DEFAULT '{}',   -- records that ended in each of the seconds up to it, at most 301
    FOREIGN KEY (backfill_job_id, tenant_id) REFERENCES backfill_jobs (id, tenant_id) ON DELETE CASCADE
) WITH (fillfactor = 50);  -- a row that changes every second: its versions stay on its page

-- What ended in each minute, each partition in one of them and once.
CREATE TABLE backfill_minutes (
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    backfill_job_id uuid NOT NULL,
    minute timestamptz NOT NULL,
    partitions integer NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    calls_made bigint NOT NULL DEFAULT 0,
    calls_refused bigint NOT NULL DEFAULT 0,
    seconds double precision NOT NULL DEFAULT 0,      -- that its partitions took, together
    PRIMARY KEY (backfill_job_id, minute),
    FOREIGN KEY (backfill_job_id, tenant_id) REFERENCES backfill_jobs (id, tenant_id) ON DELETE CASCADE
) WITH (fillfactor = 50);

-- What has ended of each 500 partitions in order of work: the first bin has those with the numbers 0 to 499.
CREATE TABLE backfill_bins (
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    backfill_job_id uuid NOT NULL,
    bin bigint NOT NULL,
    completed integer NOT NULL DEFAULT 0,             -- partitions
    failed integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    PRIMARY KEY (backfill_job_id, bin),
    FOREIGN KEY (backfill_job_id, tenant_id) REFERENCES backfill_jobs (id, tenant_id) ON DELETE CASCADE
) WITH (fillfactor = 50);

-- What each worker has ended of a job.
CREATE TABLE backfill_worker_counts (
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    backfill_job_id uuid NOT NULL,
    worker_id uuid NOT NULL,
    partitions bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    seconds double precision NOT NULL DEFAULT 0,      -- that these partitions took, together
    PRIMARY KEY (backfill_job_id, worker_id),
    FOREIGN KEY (backfill_job_id, tenant_id) REFERENCES backfill_jobs (id, tenant_id) ON DELETE CASCADE
) WITH (fillfactor = 50);

-- How deep a backfill's queues were, a minute at a time, over a day.
CREATE TABLE backfill_depths (
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    backfill text NOT NULL,
    minute timestamptz NOT NULL,
    ready bigint NOT NULL,                            -- messages in the three queues of work
    unacknowledged bigint,                            -- NULL: nobody has told
    delayed bigint NOT NULL,                          -- in the queues of those that are due later
    dead bigint NOT NULL,
    PRIMARY KEY (tenant_id, backfill, minute)
);

-- Heartbeats come every two seconds: a row's versions stay on its page.
ALTER TABLE backfill_workers SET (fillfactor = 50);
ALTER TABLE backfill_workers
    ADD COLUMN cpu_percent real,                      -- of one core, since the last heartbeat; NULL: it cannot be told
    ADD COLUMN memory_bytes bigint;                   -- of the worker's process

-- As for the ledger's other tables; each tenant sees its own.
DO $$
DECLARE
    ledger_table text;
BEGIN
    FOREACH ledger_table IN ARRAY ARRAY['backfill_rollups', 'backfill_minutes', 'backfill_bins',
                                        'backfill_worker_counts', 'backfill_depths'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', ledger_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', ledger_table);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (tenant_id = (SELECT backfill_chosen_tenant()))', ledger_table);
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %I EXECUTE FUNCTION backfill_table_is_kept()',
            ledger_table || '_kept', ledger_table);
    END LOOP;
END
$$;

-- A new job has nothing yet. One that is older has no row until all of it is counted once.
CREATE FUNCTION backfill_job_is_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO backfill_rollups (backfill_job_id, tenant_id, snapshot, cluster)
    VALUES (NEW.id, NEW.tenant_id, pg_current_snapshot(), backfill_cluster());
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_jobs_counted AFTER INSERT ON backfill_jobs
    FOR EACH ROW EXECUTE FUNCTION backfill_job_is_counted();

-- What is planned is counted with its planning. The job's row is locked first, as by whoever counts what has ended.
CREATE FUNCTION backfill_partitions_are_planned() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_job record;
BEGIN
    FOR of_job IN
        SELECT backfill_job_id AS id, count(*) AS partitions, sum(record_count) AS records
        FROM planned GROUP BY backfill_job_id ORDER BY backfill_job_id
    LOOP
        PERFORM FROM backfill_jobs WHERE id = of_job.id FOR NO KEY UPDATE;
        UPDATE backfill_rollups SET partitions = partitions + of_job.partitions, records = records + of_job.records
        WHERE backfill_job_id = of_job.id;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_partitions_planned AFTER INSERT ON backfill_partitions
    REFERENCING NEW TABLE AS planned FOR EACH STATEMENT EXECUTE FUNCTION backfill_partitions_are_planned();

-- Where something changes of what may have been counted, the job is counted anew, once: after a correction by hand. Calls
-- of a claim that ends behind another one's are added. The job's row is locked before the lock 1115, as by a change of its
-- state: hence the name of the trigger, before the others in the order of names.
CREATE FUNCTION backfill_partition_is_amended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM backfill_jobs WHERE id = OLD.backfill_job_id FOR NO KEY UPDATE;
    IF TG_ARGV[0] = 'calls' THEN
        UPDATE backfill_rollups SET calls_made = calls_made + NEW.calls_made - OLD.calls_made,
            calls_refused = calls_refused + NEW.calls_refused - OLD.calls_refused
        WHERE backfill_job_id = OLD.backfill_job_id AND snapshot IS NOT NULL
          -- Else its calls are counted with the partition.
          AND (OLD.ended_xid IS NULL OR pg_visible_in_snapshot(OLD.ended_xid, snapshot));
        IF FOUND THEN
            UPDATE backfill_minutes SET calls_made = calls_made + NEW.calls_made - OLD.calls_made,
                calls_refused = calls_refused + NEW.calls_refused - OLD.calls_refused
            WHERE backfill_job_id = OLD.backfill_job_id AND minute = date_trunc('minute', OLD.completed_at, 'UTC');
        END IF;
    ELSE
        UPDATE backfill_rollups SET snapshot = NULL
        WHERE backfill_job_id = OLD.backfill_job_id AND snapshot IS NOT NULL;  -- by the first of many rows
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_partitions_amended AFTER UPDATE ON backfill_partitions
    FOR EACH ROW WHEN (OLD.completed_at IS NOT NULL AND
        (OLD.records_updated, OLD.records_unchanged, OLD.records_skipped, OLD.records_failed, OLD.records_deleted,
         OLD.skip_reasons, OLD.retried_recovered, OLD.retried_failed, OLD.duration_ms, OLD.started_at, OLD.completed_at)
        IS DISTINCT FROM
        (NEW.records_updated, NEW.records_unchanged, NEW.records_skipped, NEW.records_failed, NEW.records_deleted,
         NEW.skip_reasons, NEW.retried_recovered, NEW.retried_failed, NEW.duration_ms, NEW.started_at, NEW.completed_at))
    EXECUTE FUNCTION backfill_partition_is_amended();
CREATE TRIGGER backfill_partitions_called AFTER UPDATE ON backfill_partitions
    FOR EACH ROW WHEN (OLD.completed_at IS NOT NULL
        AND (OLD.calls_made, OLD.calls_refused) IS DISTINCT FROM (NEW.calls_made, NEW.calls_refused))
    EXECUTE FUNCTION backfill_partition_is_amended('calls');
-- Partitions that go with their job change nothing of it any more.
CREATE FUNCTION backfill_partitions_are_removed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_job record;
BEGIN
    FOR of_job IN SELECT DISTINCT backfill_job_id AS id FROM removed ORDER BY id LOOP
        PERFORM FROM backfill_jobs WHERE id = of_job.id FOR NO KEY UPDATE;
        CONTINUE WHEN NOT FOUND;
        UPDATE backfill_rollups SET snapshot = NULL WHERE backfill_job_id = of_job.id;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_partitions_removed AFTER DELETE ON backfill_partitions
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION backfill_partitions_are_removed();

-- Roles that were made before go on, of programs of the version before too: `init --roles` need not come first.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['backfill_owner', 'backfill_operator', 'backfill_worker', 'backfill_reader'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name);
        IF has_table_privilege(role_name, 'backfill_jobs', 'SELECT') THEN
            EXECUTE format('GRANT SELECT ON backfill_rollups, backfill_minutes, backfill_bins, backfill_worker_counts, '
                           'backfill_depths TO %I', role_name);
            EXECUTE format('GRANT EXECUTE ON FUNCTION backfill_cluster(), backfill_is_counted(pg_snapshot, bigint) TO %I',
                           role_name);
        END IF;
        IF has_any_column_privilege(role_name, 'backfill_jobs', 'UPDATE') THEN
            EXECUTE format('GRANT INSERT, UPDATE ON backfill_rollups TO %I', role_name);
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON backfill_minutes, backfill_bins, backfill_worker_counts TO %I',
                           role_name);
            EXECUTE format('GRANT UPDATE (ended_xid) ON backfill_partitions TO %I', role_name);
        END IF;
        IF has_table_privilege(role_name, 'backfill_leases', 'DELETE') THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON backfill_depths TO %I', role_name);
            EXECUTE format('GRANT UPDATE (cpu_percent, memory_bytes) ON backfill_workers TO %I', role_name);
        END IF;
    END LOOP;
END
$$;

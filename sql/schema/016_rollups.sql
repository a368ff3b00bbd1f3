-- Counting costs what has ended since it was last counted, not what the job has: and what was counted is kept by the minute.
-- oldest program: 3

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

-- A new job has nothing yet. Of one that is older all is counted once.
CREATE FUNCTION backfill_job_is_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO backfill_rollups (backfill_job_id, tenant_id, snapshot, cluster)
    SELECT NEW.id, NEW.tenant_id, pg_current_snapshot(), system_identifier FROM pg_control_system();
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_jobs_counted AFTER INSERT ON backfill_jobs
    FOR EACH ROW EXECUTE FUNCTION backfill_job_is_counted();
ALTER TABLE backfill_jobs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_rollups NO FORCE ROW LEVEL SECURITY;
INSERT INTO backfill_rollups (backfill_job_id, tenant_id) SELECT id, tenant_id FROM backfill_jobs;
ALTER TABLE backfill_jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE backfill_rollups FORCE ROW LEVEL SECURITY;

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

-- Where something changes of what may have been counted, the job is counted anew: calls of a claim that ends behind another
-- one's, a correction by hand. The job's row is locked before the lock 1115, as by a change of its state: hence the name of
-- the trigger, before the others in the order of names.
CREATE FUNCTION backfill_partition_is_amended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM backfill_jobs WHERE id = OLD.backfill_job_id FOR NO KEY UPDATE;
    UPDATE backfill_rollups SET snapshot = NULL WHERE backfill_job_id = OLD.backfill_job_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_partitions_amended AFTER UPDATE ON backfill_partitions
    FOR EACH ROW WHEN (OLD.completed_at IS NOT NULL AND
        (OLD.records_updated, OLD.records_unchanged, OLD.records_skipped, OLD.records_failed, OLD.records_deleted,
         OLD.skip_reasons, OLD.calls_made, OLD.calls_refused, OLD.retried_recovered, OLD.retried_failed, OLD.duration_ms,
         OLD.started_at, OLD.completed_at)
        IS DISTINCT FROM
        (NEW.records_updated, NEW.records_unchanged, NEW.records_skipped, NEW.records_failed, NEW.records_deleted,
         NEW.skip_reasons, NEW.calls_made, NEW.calls_refused, NEW.retried_recovered, NEW.retried_failed, NEW.duration_ms,
         NEW.started_at, NEW.completed_at))
    EXECUTE FUNCTION backfill_partition_is_amended();
-- What goes with its job asks nobody.
CREATE TRIGGER backfill_partitions_removed AFTER DELETE ON backfill_partitions
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION backfill_partition_is_amended();

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

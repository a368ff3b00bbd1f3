-- The ledger: jobs, their partitions, failures, workers and events.

-- Whose rows this session sees and writes.
CREATE FUNCTION backfill_tenant() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('app.current_tenant', true), ''), 'default')
$$;

CREATE TABLE backfill_jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    asset_name text NOT NULL,
    mode text NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    priority text NOT NULL DEFAULT 'normal',
    sort_order text NOT NULL DEFAULT 'asc',
    batch_size integer NOT NULL,
    record_limit bigint,
    record_ids text[],                      -- only these records, when the job was opened with --id
    key_range numrange NOT NULL DEFAULT '(,)',
    definition_hash text NOT NULL,
    upper_key text,                         -- fixed when the job is opened: later records belong to the application
    cursor_key text,                        -- everything up to here is planned
    total_partitions integer NOT NULL DEFAULT 0,
    completed_partitions integer NOT NULL DEFAULT 0,
    failed_partitions integer NOT NULL DEFAULT 0,
    skipped_partitions integer NOT NULL DEFAULT 0,
    records_matched bigint NOT NULL DEFAULT 0,
    records_updated bigint NOT NULL DEFAULT 0,
    records_unchanged bigint NOT NULL DEFAULT 0,
    records_skipped bigint NOT NULL DEFAULT 0,
    records_failed bigint NOT NULL DEFAULT 0,
    records_deleted bigint NOT NULL DEFAULT 0,
    checkpoint_partition_key text,          -- every partition up to and with this one has ended
    avg_partition_duration_ms double precision,
    estimated_completion_at timestamptz,    -- at the mean rate of the last minutes
    earliest_completion_at timestamptz,     -- at the rate of their best tenth (p10 of the time left)
    latest_completion_at timestamptz,       -- at the rate of their worst tenth (p90)
    heartbeat_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    running_since timestamptz,              -- the last time it became running: rates do not look further back
    paused_at timestamptz,
    paused_seconds double precision NOT NULL DEFAULT 0,
    planned_at timestamptz,                 -- set when every matching record is in a partition
    completed_at timestamptz,
    sla_deadline_at timestamptz,
    producer_id uuid,                       -- who plans, until when: a second producer is refused meanwhile
    producer_lease_until timestamptz,
    idempotency_key text,
    created_by text NOT NULL DEFAULT session_user,
    error_message text,
    parent_job_id uuid,                     -- the job whose failed records this one tries again
    max_workers integer,                    -- at most so many workers claim at once
    pause_ms integer NOT NULL DEFAULT 0,    -- how long a slot rests after each partition
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT backfill_jobs_mode_check CHECK (mode IN ('null', 'zero', 'all')),
    CONSTRAINT backfill_jobs_state_check CHECK (
        state IN ('pending', 'running', 'paused', 'resuming', 'completed', 'failed', 'cancelled')),
    CONSTRAINT backfill_jobs_priority_check CHECK (priority IN ('normal', 'high')),
    CONSTRAINT backfill_jobs_sort_order_check CHECK (sort_order IN ('asc', 'desc')),
    CONSTRAINT backfill_jobs_batch_size_check CHECK (batch_size BETWEEN 1 AND 50000),
    CONSTRAINT backfill_jobs_record_limit_check CHECK (record_limit > 0),
    CONSTRAINT backfill_jobs_max_workers_check CHECK (max_workers > 0),
    CONSTRAINT backfill_jobs_pause_ms_check CHECK (pause_ms BETWEEN 0 AND 10000),
    CONSTRAINT backfill_jobs_started_check CHECK (state NOT IN ('running', 'completed') OR started_at IS NOT NULL),
    CONSTRAINT backfill_jobs_paused_check CHECK (state <> 'paused' OR paused_at IS NOT NULL),
    CONSTRAINT backfill_jobs_completed_check CHECK (
        (completed_at IS NOT NULL) = (state IN ('completed', 'failed', 'cancelled'))),
    CONSTRAINT backfill_jobs_idempotency_key UNIQUE (tenant_id, idempotency_key),
    -- Two active jobs of one backfill never share a key. The hash stands in for the name so that gist needs no
    -- extension; two names with one hash would be kept apart needlessly, never wrongly let through.
    CONSTRAINT backfill_jobs_overlap_excl EXCLUDE USING gist (
        int8range(hashtextextended(tenant_id || '/' || asset_name, 0) >> 1,
                  hashtextextended(tenant_id || '/' || asset_name, 0) >> 1, '[]') WITH &&,
        key_range WITH &&
    ) WHERE (state IN ('pending', 'running', 'paused', 'resuming'))
);
CREATE INDEX backfill_jobs_created_at_idx ON backfill_jobs (created_at);

-- A fence is taken by every claim and checked by every apply: the older claim of two always loses.
CREATE SEQUENCE backfill_fence_seq;

CREATE TABLE backfill_partitions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    backfill_job_id uuid NOT NULL REFERENCES backfill_jobs (id) ON DELETE CASCADE,
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    partition_key text NOT NULL,            -- zero-padded: text order is order of work
    state text NOT NULL DEFAULT 'pending',
    attempt_count integer NOT NULL DEFAULT 0,
    record_ids text[] NOT NULL,             -- as planned; never changes
    remaining_ids text[],                   -- what an apply left over, when it could not finish all of them
    record_count integer NOT NULL,
    records_updated integer NOT NULL DEFAULT 0,
    records_unchanged integer NOT NULL DEFAULT 0,
    records_skipped integer NOT NULL DEFAULT 0,
    records_failed integer NOT NULL DEFAULT 0,
    records_deleted integer NOT NULL DEFAULT 0,
    skip_reasons jsonb NOT NULL DEFAULT '{}',
    duration_ms double precision,
    fence bigint,
    worker_id uuid,
    lease_expires_at timestamptz,
    not_before timestamptz,
    published_at timestamptz,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    completed_at timestamptz,
    CONSTRAINT backfill_partitions_key UNIQUE (backfill_job_id, partition_key),
    CONSTRAINT backfill_partitions_state_check CHECK (
        state IN ('pending', 'running', 'completed', 'failed', 'skipped')),
    CONSTRAINT backfill_partitions_lease_check CHECK (
        (lease_expires_at IS NOT NULL) = (state = 'running')),
    CONSTRAINT backfill_partitions_completed_check CHECK (
        (completed_at IS NOT NULL) = (state IN ('completed', 'failed', 'skipped'))),
    -- No record may be forgotten or counted twice: an ended partition accounts for each of its records.
    CONSTRAINT backfill_partitions_counts_check CHECK (
        completed_at IS NULL
        OR records_updated + records_unchanged + records_skipped + records_failed + records_deleted = record_count)
);
-- Ids are short-lived and already dense: compressing them costs the producer more than the disk is worth.
ALTER TABLE backfill_partitions ALTER COLUMN record_ids SET STORAGE EXTERNAL;
ALTER TABLE backfill_partitions ALTER COLUMN remaining_ids SET STORAGE EXTERNAL;
CREATE INDEX backfill_partitions_open_idx ON backfill_partitions (backfill_job_id, partition_key)
    WHERE state IN ('pending', 'running');
CREATE INDEX backfill_partitions_unpublished_idx ON backfill_partitions (backfill_job_id, partition_key)
    WHERE state = 'pending' AND published_at IS NULL;

CREATE TABLE backfill_failures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    backfill_job_id uuid NOT NULL REFERENCES backfill_jobs (id) ON DELETE CASCADE,
    partition_key text NOT NULL,
    record_id text NOT NULL,
    error_class text NOT NULL,
    error_message text NOT NULL,
    attempts integer NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT backfill_failures_key UNIQUE (backfill_job_id, record_id)
);

CREATE TABLE backfill_workers (
    id uuid PRIMARY KEY,
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    host text NOT NULL,
    pid integer NOT NULL,
    backfills text[] NOT NULL,
    concurrency integer NOT NULL,
    prefetch integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stopped_at timestamptz,
    doing jsonb NOT NULL DEFAULT '[]',      -- the partitions in hand
    counts jsonb NOT NULL DEFAULT '{}'      -- what this process did since it started
);

CREATE TABLE backfill_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    backfill_job_id uuid NOT NULL,          -- no reference: the history outlives a deleted job
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event text NOT NULL,
    actor text NOT NULL,
    from_state text,
    to_state text,
    reason text,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX backfill_events_backfill_job_id_idx ON backfill_events (backfill_job_id, id);

-- Who leads what, until when: a row and the database's clock, so that it works through a connection pooler.
CREATE TABLE backfill_leases (
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    name text NOT NULL,
    holder uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- The same table stands in backfill/states.py with a sentence for each arrow.
CREATE FUNCTION backfill_allowed_states(from_state text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE from_state
        WHEN 'pending' THEN ARRAY['running', 'cancelled']
        WHEN 'running' THEN ARRAY['paused', 'completed', 'failed', 'cancelled']
        WHEN 'paused' THEN ARRAY['resuming', 'cancelled']
        WHEN 'resuming' THEN ARRAY['running', 'cancelled']
        ELSE ARRAY[]::text[]
    END
$$;

-- Claims hold this lock shared, a change of state holds it alone: once a change has committed, no claim that
-- began under the old state can still commit, whether the change came from a command or from psql.
CREATE FUNCTION backfill_claim_lock(job uuid) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtext('backfill/' || job::text)
$$;

-- The actor of the current change: set by our commands with set_config, else the database user.
CREATE FUNCTION backfill_actor() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('backfill.actor', true), ''), session_user::text)
$$;

CREATE FUNCTION backfill_job_changes_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT NEW.state = ANY (backfill_allowed_states(OLD.state)) THEN
        RAISE EXCEPTION 'job % is %: it cannot become %, only %', OLD.id, OLD.state, NEW.state,
            coalesce(nullif(array_to_string(backfill_allowed_states(OLD.state), ', '), ''), 'nothing, it has ended')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'backfill_jobs_state_arrows';
    END IF;
    PERFORM pg_advisory_xact_lock(1113, backfill_claim_lock(OLD.id));
    INSERT INTO backfill_events (tenant_id, backfill_job_id, event, actor, from_state, to_state, reason)
    VALUES (NEW.tenant_id, NEW.id, 'job.' || NEW.state, backfill_actor(), OLD.state, NEW.state,
            coalesce(nullif(current_setting('backfill.reason', true), ''),
                     CASE WHEN NEW.error_message IS DISTINCT FROM OLD.error_message THEN NEW.error_message END));
    IF NEW.state <> 'running' THEN  -- an estimate from before would go on ticking
        NEW.estimated_completion_at := NULL;
        NEW.earliest_completion_at := NULL;
        NEW.latest_completion_at := NULL;
    END IF;
    IF OLD.state = 'paused' AND NEW.state = 'resuming' THEN
        NEW.paused_seconds := OLD.paused_seconds + extract(epoch FROM clock_timestamp() - OLD.paused_at);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER backfill_jobs_state BEFORE UPDATE OF state ON backfill_jobs
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION backfill_job_changes_state();

CREATE FUNCTION backfill_job_is_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO backfill_events (tenant_id, backfill_job_id, event, actor, to_state, reason)
    VALUES (NEW.tenant_id, NEW.id, 'job.opened', backfill_actor(), NEW.state,
            nullif(current_setting('backfill.reason', true), ''));
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_jobs_opened AFTER INSERT ON backfill_jobs
    FOR EACH ROW EXECUTE FUNCTION backfill_job_is_opened();

CREATE FUNCTION backfill_events_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'backfill_events is append-only';
END
$$;
CREATE TRIGGER backfill_events_append_only BEFORE UPDATE OR DELETE ON backfill_events
    FOR EACH ROW EXECUTE FUNCTION backfill_events_are_kept();

-- Take a partition, in a transaction of its own and one round trip: it is free, its retry is due, or its lease has
-- ended. No row: somebody else's, paused, or ended. It need not survive a crash of the database, and no change of the
-- job's state passes it. Where the number of workers is limited, claims come one at a time, so that two cannot both be
-- the last one allowed; a limit that was set after the claim began is kept by refusing it.
CREATE FUNCTION backfill_claim(
    the_job uuid, the_partition text, the_worker uuid, lease_seconds double precision, the_asset text, the_mode text
) RETURNS TABLE (
    id bigint, fence bigint, attempt_count integer, record_ids text[], job_state text, priority text, pause_ms integer
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    alone boolean;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT max_workers IS NOT NULL INTO alone FROM backfill_jobs WHERE id = the_job;
    IF alone THEN
        PERFORM pg_advisory_xact_lock(1113, backfill_claim_lock(the_job));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(1113, backfill_claim_lock(the_job));
    END IF;
    RETURN QUERY
    UPDATE backfill_partitions p SET state = 'running', fence = nextval('backfill_fence_seq'), worker_id = the_worker,
        attempt_count = attempt_count + 1,
        lease_expires_at = clock_timestamp() + make_interval(secs => lease_seconds),
        started_at = coalesce(p.started_at, clock_timestamp()), not_before = NULL
    FROM backfill_jobs j
    WHERE p.backfill_job_id = the_job AND p.partition_key = the_partition
      AND j.id = the_job AND j.asset_name = the_asset AND j.mode = the_mode
      AND j.state IN ('pending', 'running', 'resuming')
      AND ((p.state = 'pending' AND (p.not_before IS NULL OR p.not_before <= clock_timestamp()))
           OR (p.state = 'running' AND p.lease_expires_at < clock_timestamp()))
      AND (j.max_workers IS NULL OR alone AND j.max_workers > (
          SELECT count(DISTINCT other.worker_id) FROM backfill_partitions other
          WHERE other.backfill_job_id = the_job AND other.state = 'running' AND other.worker_id <> the_worker
            AND other.lease_expires_at >= clock_timestamp()))
    RETURNING p.id, p.fence, p.attempt_count, coalesce(p.remaining_ids, p.record_ids), j.state, j.priority, j.pause_ms;
END
$$;

-- Work that is no column: what a job of it is about, and what it came to.
-- oldest program: 3

ALTER TABLE backfill_jobs
    ADD COLUMN scope jsonb,                       -- by dimension [from, to], null where it is open; NULL: a range of keys
    ADD COLUMN result json,                       -- what the definition said when the job was completed, in its order
    ADD CONSTRAINT backfill_jobs_scope_check CHECK (jsonb_typeof(scope) = 'object'),
    ADD CONSTRAINT backfill_jobs_result_check CHECK (json_typeof(result) = 'object');

-- Whether all of one end is before the other; what is open, or cannot be compared, is not.
CREATE FUNCTION backfill_is_before(one jsonb, other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN jsonb_typeof(one) = 'number' AND jsonb_typeof(other) = 'number'
            THEN (one #>> '{}')::numeric < (other #>> '{}')::numeric
        WHEN jsonb_typeof(one) = 'string' AND jsonb_typeof(other) = 'string'
            THEN (one #>> '{}') COLLATE "C" < (other #>> '{}') COLLATE "C"
        ELSE false
    END
$$;

-- Whether two scopes have something in common: no dimension of both keeps them apart.
CREATE FUNCTION backfill_scopes_meet(one jsonb, other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT NOT EXISTS (
        SELECT FROM jsonb_each(one) a JOIN jsonb_each(other) b USING (key)
        WHERE backfill_is_before(a.value -> 1, b.value -> 0) OR backfill_is_before(b.value -> 1, a.value -> 0))
$$;

-- Two active jobs of one backfill never have a key in common; a retry is about what its job was about.
CREATE FUNCTION backfill_job_has_scope() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    other uuid;
BEGIN
    IF NEW.scope IS NULL THEN
        SELECT scope INTO NEW.scope FROM backfill_jobs WHERE id = NEW.parent_job_id;
        IF NEW.scope IS NULL THEN
            RETURN NEW;
        END IF;
    END IF;
    NEW.key_range := 'empty';
    -- As sql/ledger/jobs/lock_backfill.sql: one job is opened at a time, and sees those before it.
    PERFORM pg_advisory_xact_lock(1114, hashtext(NEW.asset_name));
    SELECT id INTO other FROM backfill_jobs
    WHERE tenant_id = NEW.tenant_id AND asset_name = NEW.asset_name
      AND state IN ('pending', 'running', 'paused', 'resuming') AND backfill_scopes_meet(scope, NEW.scope)
    LIMIT 1;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'job % of % is active and about some of the same', other, NEW.asset_name
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'backfill_jobs_scope_excl';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER backfill_jobs_scoped BEFORE INSERT ON backfill_jobs
    FOR EACH ROW WHEN (NEW.scope IS NOT NULL OR NEW.parent_job_id IS NOT NULL)
    EXECUTE FUNCTION backfill_job_has_scope();

-- Workers that may end a job today go on ending it: `init --roles` need not come first.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_worker')
       AND has_column_privilege('backfill_worker', 'backfill_jobs', 'completed_at', 'UPDATE') THEN
        GRANT UPDATE (result) ON backfill_jobs TO backfill_worker;
    END IF;
END
$$;

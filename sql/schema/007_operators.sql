-- What operators do: all that could start can be paused, what was paused together is brought back together, and a job
-- knows who opened it.
-- oldest program: 3

-- The same table stands in backfill/states.py with a sentence for each arrow.
CREATE OR REPLACE FUNCTION backfill_allowed_states(from_state text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE from_state
        WHEN 'pending' THEN ARRAY['running', 'paused', 'cancelled']
        WHEN 'running' THEN ARRAY['paused', 'completed', 'failed', 'cancelled']
        WHEN 'paused' THEN ARRAY['resuming', 'cancelled']
        WHEN 'resuming' THEN ARRAY['running', 'paused', 'cancelled']
        ELSE ARRAY[]::text[]
    END
$$;

ALTER TABLE backfill_jobs
    ADD COLUMN pause_cause text,                      -- while paused: all (with others), definition (by a worker), or NULL
    ADD CONSTRAINT backfill_jobs_pause_cause_check CHECK (pause_cause IN ('all', 'definition')),
    ALTER COLUMN created_by SET DEFAULT backfill_actor();

CREATE FUNCTION backfill_job_leaves_pause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.paused_at := NULL;
    NEW.pause_cause := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER backfill_jobs_unpaused BEFORE UPDATE OF state ON backfill_jobs
    FOR EACH ROW WHEN (NEW.state <> 'paused' AND OLD.paused_at IS NOT NULL)
    EXECUTE FUNCTION backfill_job_leaves_pause();

-- Workers that may pause a job today go on pausing it: `init --roles` need not come first.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_worker')
       AND has_column_privilege('backfill_worker', 'backfill_jobs', 'paused_at', 'UPDATE') THEN
        GRANT UPDATE (pause_cause) ON backfill_jobs TO backfill_worker;
    END IF;
END
$$;

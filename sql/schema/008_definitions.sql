-- Which definition a job is for and with which parameters, and which one made each partition.
-- oldest program: 3

ALTER TABLE backfill_jobs
    ADD COLUMN parameters jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN changed_definition_hash text,      -- of the worker that met the job with another definition and paused it
    -- What was replaced by accepting that one: workers that still have it leave the job to others.
    ADD COLUMN former_definition_hashes text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT backfill_jobs_parameters_check CHECK (jsonb_typeof(parameters) = 'object');
ALTER TABLE backfill_partitions
    ADD COLUMN definition_hash text;              -- of the definition that made its values

CREATE FUNCTION backfill_job_has_parameters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO backfill_events (tenant_id, backfill_job_id, event, actor, details)
    VALUES (NEW.tenant_id, NEW.id, 'job.parameters', backfill_actor(), NEW.parameters);
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_jobs_parameters AFTER INSERT ON backfill_jobs
    FOR EACH ROW WHEN (NEW.parameters <> '{}') EXECUTE FUNCTION backfill_job_has_parameters();

-- A retry has its job's parameters, whichever program opens it.
CREATE FUNCTION backfill_retry_has_parameters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.parameters := coalesce((SELECT parameters FROM backfill_jobs WHERE id = NEW.parent_job_id), '{}');
    RETURN NEW;
END
$$;
CREATE TRIGGER backfill_jobs_retried BEFORE INSERT ON backfill_jobs
    FOR EACH ROW WHEN (NEW.parent_job_id IS NOT NULL AND NEW.parameters = '{}')
    EXECUTE FUNCTION backfill_retry_has_parameters();

-- Which definition the job is for as of now: a claim that has waited would know what was right when it began.
CREATE FUNCTION backfill_definition_of(the_job uuid) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT definition_hash FROM backfill_jobs WHERE id = the_job
$$;

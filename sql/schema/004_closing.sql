-- What a job leaves when it is over, and what the ledger refuses to be told.
-- oldest program: 3
ALTER TABLE backfill_jobs
    ADD COLUMN records_replanned bigint NOT NULL DEFAULT 0,  -- of those matched: planned again, undone behind their partition
    ADD COLUMN sweep_left jsonb NOT NULL DEFAULT '{}',       -- what the sweep under way has met so far that matches, by kind
    ADD COLUMN left_reasons jsonb;                           -- why records are left, each with its number; NULL: not counted
ALTER TABLE backfill_partitions
    ADD COLUMN left_ids text[];                              -- records that it left as they are, and that may match still
ALTER TABLE backfill_partitions ALTER COLUMN left_ids SET STORAGE EXTERNAL;

-- An end waits for whoever is settling a partition, who holds this lock shared: either the end counts it, or the settling
-- sees that the job has ended and brings its counts up to date. A partition's row is locked before it, never after; the
-- lock of claims (1113) is the other way round.
CREATE OR REPLACE FUNCTION backfill_job_changes_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    partitions_open bigint;
BEGIN
    IF NOT NEW.state = ANY (backfill_allowed_states(OLD.state)) THEN
        RAISE EXCEPTION 'job % is %: it cannot become %, only %', OLD.id, OLD.state, NEW.state,
            coalesce(nullif(array_to_string(backfill_allowed_states(OLD.state), ', '), ''), 'nothing, it has ended')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'backfill_jobs_state_arrows';
    END IF;
    PERFORM pg_advisory_xact_lock(1113, backfill_claim_lock(OLD.id));
    IF NEW.state IN ('completed', 'failed', 'cancelled') THEN  -- the last word on its counts
        PERFORM pg_advisory_xact_lock(1115, backfill_claim_lock(OLD.id));
        SELECT count(*), count(*) FILTER (WHERE state = 'completed'), count(*) FILTER (WHERE state = 'failed'),
               count(*) FILTER (WHERE state = 'skipped'), coalesce(sum(record_count), 0),
               coalesce(sum(records_updated), 0), coalesce(sum(records_unchanged), 0),
               coalesce(sum(records_skipped), 0), coalesce(sum(records_failed), 0), coalesce(sum(records_deleted), 0),
               count(*) FILTER (WHERE completed_at IS NULL)
        INTO NEW.total_partitions, NEW.completed_partitions, NEW.failed_partitions,
             NEW.skipped_partitions, NEW.records_matched,
             NEW.records_updated, NEW.records_unchanged,
             NEW.records_skipped, NEW.records_failed, NEW.records_deleted,
             partitions_open
        FROM backfill_partitions WHERE backfill_job_id = OLD.id;
        IF NEW.state = 'completed' AND (NEW.planned_at IS NULL OR partitions_open > 0) THEN
            RAISE EXCEPTION 'job % is %: it cannot become completed, %; let workers do the rest, or cancel it',
                OLD.id, OLD.state,
                CASE WHEN NEW.planned_at IS NULL THEN 'it is not planned to the end'
                     ELSE format('%s of its %s partitions have not ended', partitions_open, NEW.total_partitions) END
                USING ERRCODE = 'check_violation', CONSTRAINT = 'backfill_jobs_completed_whole';
        END IF;
    END IF;
    INSERT INTO backfill_events (tenant_id, backfill_job_id, event, actor, from_state, to_state, reason, details)
    VALUES (NEW.tenant_id, NEW.id, 'job.' || NEW.state, backfill_actor(), OLD.state, NEW.state,
            coalesce(nullif(current_setting('backfill.reason', true), ''),
                     CASE WHEN NEW.error_message IS DISTINCT FROM OLD.error_message THEN NEW.error_message END),
            CASE WHEN NEW.completed_at IS NOT NULL AND NEW.records_left > 0
                THEN jsonb_build_object('records_left', NEW.records_left, 'left_reasons', NEW.left_reasons) ELSE '{}' END);
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

-- What was in hand when its job failed or was cancelled finishes later, perhaps when no worker is there to count it.
-- The job's row is locked before the sums are read: of two that settle, the later one sees what the earlier one wrote.
CREATE FUNCTION backfill_partition_is_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1115, backfill_claim_lock(NEW.backfill_job_id));
    PERFORM FROM backfill_jobs WHERE id = NEW.backfill_job_id AND completed_at IS NOT NULL FOR NO KEY UPDATE;
    IF FOUND THEN
        UPDATE backfill_jobs SET completed_partitions = s.completed, failed_partitions = s.failed,
            skipped_partitions = s.skipped, records_updated = s.updated, records_unchanged = s.unchanged,
            records_skipped = s.records_skipped, records_failed = s.records_failed, records_deleted = s.deleted
        FROM (SELECT count(*) FILTER (WHERE state = 'completed') AS completed,
                     count(*) FILTER (WHERE state = 'failed') AS failed,
                     count(*) FILTER (WHERE state = 'skipped') AS skipped,
                     sum(records_updated) AS updated, sum(records_unchanged) AS unchanged,
                     sum(records_skipped) AS records_skipped, sum(records_failed) AS records_failed,
                     sum(records_deleted) AS deleted
              FROM backfill_partitions WHERE backfill_job_id = NEW.backfill_job_id) s
        WHERE id = NEW.backfill_job_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER backfill_partitions_settled AFTER UPDATE ON backfill_partitions
    FOR EACH ROW WHEN (OLD.records_updated + OLD.records_unchanged + OLD.records_skipped + OLD.records_failed
                       + OLD.records_deleted
                       <> NEW.records_updated + NEW.records_unchanged + NEW.records_skipped + NEW.records_failed
                       + NEW.records_deleted)
    EXECUTE FUNCTION backfill_partition_is_settled();

-- What has ended is counted: done again, its records would be counted twice.
CREATE FUNCTION backfill_partition_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'partition % of job % is %: it has ended and cannot become %; failed records are done again with: '
        'backfill retry %', OLD.partition_key, OLD.backfill_job_id, OLD.state, NEW.state, OLD.backfill_job_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'backfill_partitions_state_arrows';
END
$$;
CREATE TRIGGER backfill_partitions_ended BEFORE UPDATE OF state ON backfill_partitions
    FOR EACH ROW WHEN (OLD.completed_at IS NOT NULL AND OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION backfill_partition_has_ended();

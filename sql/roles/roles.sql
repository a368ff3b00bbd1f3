-- Who may do what with the ledger: five roles that nobody logs in as; grant one to the role of a DATABASE_URL.
--
--   backfill_owner     rows of jobs, partitions, failures, workers and limits, to tidy them up; makes tokens; no event, no plan
--   backfill_operator  opens jobs and steers them: backfill-queue and the verbs of `backfill`
--   backfill_worker    claims, counts and ends; opens and deletes nothing
--   backfill_reader    looks: status, list, metrics, the queries in sql/progress
--   backfill_server    what backfill_reader may, and knows tokens: `backfill serve` for who may only look; where a token may
--                      operate, the server's login is a member of backfill_operator too
--
-- Safe to repeat. Needs CREATEROLE for roles that are missing, and the ownership of the ledger. What a worker may do to
-- the tables of a definition is in sql/target/grant_worker.sql; `backfill init --roles --app …` applies both.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'backfill_owner', 'backfill_operator', 'backfill_worker', 'backfill_reader', 'backfill_server'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- roles belong to the whole server: another database's `init` was a moment faster
            END;
        END IF;
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO backfill_owner, backfill_operator, backfill_worker, backfill_reader, '
                   'backfill_server', (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'backfill_jobs'::regclass));
END
$$;

-- What an older version gave, or somebody by hand: whoever may hang a trigger on a table acts as everybody who writes it.
REVOKE ALL ON backfill_schema, backfill_tenants, backfill_jobs, backfill_partitions, backfill_failures, backfill_workers,
    backfill_events, backfill_leases, backfill_limits, backfill_limit_shares, backfill_rollups, backfill_minutes,
    backfill_bins, backfill_worker_counts, backfill_depths, backfill_tokens
    FROM backfill_owner, backfill_operator, backfill_worker, backfill_reader, backfill_server;
REVOKE ALL ON SEQUENCE backfill_fence_seq
    FROM backfill_owner, backfill_operator, backfill_worker, backfill_reader, backfill_server;

GRANT SELECT, UPDATE, DELETE ON backfill_jobs, backfill_partitions, backfill_failures, backfill_workers,
    backfill_leases, backfill_limits, backfill_limit_shares, backfill_depths TO backfill_owner;
GRANT INSERT ON backfill_jobs, backfill_workers, backfill_leases, backfill_limits, backfill_limit_shares TO backfill_owner;

GRANT SELECT ON backfill_schema, backfill_jobs, backfill_partitions, backfill_failures, backfill_workers,
    backfill_events, backfill_leases, backfill_limits, backfill_limit_shares, backfill_rollups, backfill_minutes,
    backfill_bins, backfill_worker_counts, backfill_depths
    TO backfill_owner, backfill_operator, backfill_worker, backfill_reader, backfill_server;

-- Who makes a token gets what its role may, of those that let the server in; the server notes when each was used. Nobody
-- else sees even their hashes.
GRANT SELECT, INSERT (name, role, hash, created_by, expires_at), UPDATE (revoked_at, revoked_by)
    ON backfill_tokens TO backfill_owner;
GRANT SELECT, UPDATE (last_used_at) ON backfill_tokens TO backfill_server;

-- Every claim and every forced reset takes a fence.
GRANT USAGE ON SEQUENCE backfill_fence_seq TO backfill_owner, backfill_operator, backfill_worker;

-- Numbers are given by the ledger: one that was taken ahead of its turn would fail the tenant whose turn it was. A partition
-- begins as it was planned.
GRANT INSERT (tenant_id, backfill_job_id, event, actor, from_state, to_state, reason, details)
    ON backfill_events TO backfill_owner, backfill_operator, backfill_worker;
GRANT INSERT (tenant_id, backfill_job_id, partition_key, record_ids, record_count, sweep)
    ON backfill_partitions TO backfill_owner, backfill_operator, backfill_worker;
GRANT INSERT (tenant_id, backfill_job_id, partition_key, record_id, error_class, error_message, attempts)
    ON backfill_failures TO backfill_owner, backfill_worker;

-- Whoever opens, plans, works on or ends a job counts it, and counts it anew where that is asked for.
GRANT INSERT, UPDATE ON backfill_rollups TO backfill_owner, backfill_operator, backfill_worker;
GRANT INSERT, UPDATE, DELETE ON backfill_minutes, backfill_bins, backfill_worker_counts
    TO backfill_owner, backfill_operator, backfill_worker;

-- An ended job's partitions and failures go with it, by the foreign key. What a job was opened for stays.
GRANT INSERT, DELETE ON backfill_jobs TO backfill_operator;
GRANT UPDATE (state, version, priority, max_workers, pause_ms, sla_deadline_at, heartbeat_at, paused_at, pause_cause,
    completed_at, error_message, producer_id, producer_lease_until, cursor_key, planned_at, definition_hash,
    changed_definition_hash, former_definition_hashes, pass_number, first_job_id, scope_records, scope_covered,
    scope_is_estimate, total_partitions, completed_partitions, failed_partitions, skipped_partitions, records_matched,
    records_updated, records_unchanged, records_skipped, records_failed, records_deleted, calls_made, calls_refused,
    retried_recovered, retried_failed, checkpoint_partition_key, avg_partition_duration_ms, estimated_completion_at,
    earliest_completion_at, latest_completion_at)  -- a retry's counts begin with its planning
    ON backfill_jobs TO backfill_operator;
GRANT UPDATE (state, attempt_count, interruptions, remaining_ids, fence, worker_id, lease_expires_at, not_before, published_at,
    error_message, held_since, held_reason, ended_xid) ON backfill_partitions TO backfill_operator;
-- Asks a worker to stop.
GRANT UPDATE (stop_requested_at, stop_requested_by) ON backfill_workers TO backfill_operator;

-- Lets a limit go that rests.
GRANT UPDATE (held_until, raised_at) ON backfill_limits TO backfill_operator;

-- A worker moves a job on, pauses it when nothing fits, rolls its counts up and ends it; what was asked for stays.
GRANT UPDATE (state, version, started_at, running_since, paused_at, completed_at, error_message, heartbeat_at,
    total_partitions, completed_partitions, failed_partitions, skipped_partitions, records_matched, records_updated,
    records_unchanged, records_skipped, records_failed, records_deleted, checkpoint_partition_key,
    avg_partition_duration_ms, estimated_completion_at, earliest_completion_at, latest_completion_at,
    sweep, sweep_ended, sweep_cursor, sweep_partition, sweep_found, sweep_left, records_left, left_reasons,
    records_replanned, pause_cause, result, calls_made, calls_refused, retried_recovered, retried_failed,
    before_job_at, definition_hash, changed_definition_hash)  -- where it is open, and where a worker has another one
    ON backfill_jobs TO backfill_worker;
-- The closing sweep inserts partitions of what was missed; what is in one was planned.
GRANT INSERT ON backfill_workers TO backfill_worker;
GRANT UPDATE ON backfill_failures TO backfill_worker;
GRANT UPDATE (state, attempt_count, interruptions, remaining_ids, left_ids, retried_ids, records_updated, records_unchanged,
    records_skipped, records_failed, records_deleted, skip_reasons, duration_ms, fence, worker_id, lease_expires_at,
    not_before, published_at, error_message, started_at, claimed_at, completed_at, held_since, held_reason, calls_made,
    calls_refused, retried_recovered, retried_failed, definition_hash, ended_xid) ON backfill_partitions TO backfill_worker;
GRANT UPDATE (heartbeat_at, stopped_at, doing, counts, cpu_percent, memory_bytes) ON backfill_workers TO backfill_worker;
GRANT INSERT, UPDATE, DELETE ON backfill_leases, backfill_depths TO backfill_worker;
-- Turns to call a service are taken from a row, permits are given back.
GRANT INSERT, UPDATE ON backfill_limits TO backfill_worker;
GRANT INSERT, UPDATE, DELETE ON backfill_limit_shares TO backfill_worker;

GRANT EXECUTE ON FUNCTION backfill_tenant(), backfill_allowed_states(text), backfill_claim_lock(uuid),
    backfill_actor(), backfill_is_alive(backfill_workers),
    backfill_is_before(jsonb, jsonb), backfill_scopes_meet(jsonb, jsonb), backfill_own_tenants(), backfill_chosen_tenant(),
    backfill_ended(uuid, pg_snapshot), backfill_planned(uuid), backfill_failure_pattern(text), backfill_cluster(),
    backfill_is_counted(pg_snapshot, bigint)
    TO backfill_owner, backfill_operator, backfill_worker, backfill_reader, backfill_server;
GRANT EXECUTE ON FUNCTION backfill_roll_up(uuid, boolean, boolean), backfill_count_ended(uuid, boolean),
    backfill_forget_counts(uuid) TO backfill_owner, backfill_operator, backfill_worker;
GRANT EXECUTE ON FUNCTION backfill_claim(uuid, text, uuid, double precision, text, text),
    backfill_claim_any(uuid, text, uuid, double precision, text, text), backfill_definition_of(uuid),
    backfill_take_calls(text, boolean, double precision, integer, integer, boolean, uuid, double precision, integer,
        bigint, integer, integer), backfill_rest_calls(text, uuid, double precision, text) TO backfill_worker;

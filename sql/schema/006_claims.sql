-- Claims that cost no attempt wrongly: when each began, how often its session ended under it, each worker's own lease.
-- oldest program: 3
ALTER TABLE backfill_partitions
    ADD COLUMN claimed_at timestamptz,                    -- the last claim; started_at is the first one
    ADD COLUMN interruptions integer NOT NULL DEFAULT 0;  -- claims under which the worker or the session ended
ALTER TABLE backfill_workers
    ADD COLUMN lease_seconds double precision NOT NULL DEFAULT 60;  -- without a heartbeat for so long, it has gone

-- Whether a worker lives, by its own lease: whoever asks may have been set to another one.
CREATE FUNCTION backfill_is_alive(w backfill_workers) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT w.stopped_at IS NULL AND w.heartbeat_at > clock_timestamp() - make_interval(secs => w.lease_seconds)
$$;

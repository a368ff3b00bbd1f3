-- A third priority, low. Programs of the version before know jobs of the other two alone: docs/deploying.md, Upgrades.
-- oldest program: 3
ALTER TABLE backfill_jobs
    DROP CONSTRAINT backfill_jobs_priority_check,
    ADD CONSTRAINT backfill_jobs_priority_check CHECK (priority IN ('high', 'normal', 'low'));

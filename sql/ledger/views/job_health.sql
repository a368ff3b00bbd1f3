-- What a job's checklist asks beside its progress: how many live workers serve it, and how many of its failed records the
-- database has refused by a constraint, at most so many; and the time.
-- $1 job, $2 error classes, $3 most failed records
SELECT (SELECT count(*) FROM backfill_workers w
        WHERE w.tenant_id = backfill_tenant() AND j.asset_name = ANY (w.backfills) AND w.stopped_at IS NULL
          AND backfill_is_alive(w)) AS workers,
       (SELECT count(*) FROM (SELECT FROM backfill_failures f
                              WHERE f.backfill_job_id = j.id AND f.error_class = ANY ($2) LIMIT $3) v) AS violations,
       clock_timestamp() AS now
FROM backfill_jobs j WHERE j.id = $1

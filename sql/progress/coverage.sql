-- How many records in scope of each backfill have a value: before its newest job or passes, now, and at its end at this rate.
-- As counted when that job was opened, with what has become of its records since; sql/ledger/progress/read.sql has the same.
WITH newest AS (
    SELECT DISTINCT ON (asset_name) *,
           records_updated + records_unchanged + records_skipped + records_failed + records_deleted AS done,
           CASE WHEN completed_at IS NOT NULL AND left_reasons IS NOT NULL THEN records_left END AS still_match
    FROM backfill_jobs WHERE scope_records IS NOT NULL ORDER BY asset_name, created_at DESC
), gained AS (
    SELECT *, greatest(scope_records - records_deleted, 0) AS in_scope,
           CASE WHEN still_match IS NULL THEN least(records_updated, records_matched - records_replanned)
                ELSE greatest(records_matched - records_replanned - records_deleted - still_match, 0) END AS gain,
           CASE WHEN still_match IS NULL THEN greatest(records_matched - done, 0) ELSE 0 END AS to_come
    FROM newest
), counted AS (
    SELECT *, least(scope_covered + gain, in_scope) AS covered,
           round(to_come * CASE WHEN done > 0 THEN records_updated::numeric / done ELSE 1 END) AS expected
    FROM gained
)
SELECT c.asset_name, c.id AS job, c.state, c.in_scope, coalesce(f.scope_covered, c.scope_covered) AS covered_before,
       c.covered AS covered_now, least(c.covered + c.expected, c.in_scope)::bigint AS covered_projected,
       round(100.0 * coalesce(f.scope_covered, c.scope_covered) / nullif(c.in_scope, 0), 1) AS percent_before,
       round(100.0 * c.covered / nullif(c.in_scope, 0), 1) AS percent_now,
       round(100.0 * least(c.covered + c.expected, c.in_scope) / nullif(c.in_scope, 0), 1) AS percent_projected,
       c.scope_is_estimate AS is_estimate
FROM counted c LEFT JOIN backfill_jobs f ON f.id = c.first_job_id
ORDER BY c.asset_name;

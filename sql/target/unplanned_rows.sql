-- The rows of a span, for plan_span.sql of a closing sweep: those that match are of a kind, and planned when they are
-- `missed` (in no partition of the job) or `again` (undone by somebody behind the partition that had them last). The
-- others are left: `failed` and listed, or `skipped`, as that partition left them. They are looked for in those of the
-- producer's partitions and of earlier sweeps' that lie in the span (those of this sweep are behind its cursor); none is
-- read where no row matches, as in most spans.
-- $4 ids or NULL, $5 job, $9 which sweep, $11 and $12 the producer's partitions: behind the first, up to the second, $13
-- whether missed ones are the job's
WITH o AS MATERIALIZED (
    SELECT r.*, row_number() OVER () AS place FROM ({rows}) r
), b AS MATERIALIZED (
    SELECT b.id, b.record_ids, b.left_ids FROM backfill_partitions b
    WHERE b.backfill_job_id = $5 AND (SELECT bool_or(matches) FROM o)
      AND (b.sweep = 0 AND b.partition_key > $11 AND b.partition_key <= $12 OR b.sweep > 0 AND b.sweep < $9::smallint)
      -- Those that a job was opened with are in nobody's order.
      AND (b.sweep = 0 AND $4::text IS NOT NULL
           OR {first_of_part} {not_behind} (SELECT {of_rows} FROM o OFFSET (SELECT count(*) - 1 FROM o) LIMIT 1)
              AND {last_of_part} {not_before} (SELECT {of_rows} FROM o LIMIT 1))
), p AS (
    SELECT u.id, max(u.part) AS newest, max(u.part) FILTER (WHERE u.is_left) AS newest_left
    FROM (SELECT id AS part, unnest(record_ids) AS id, false AS is_left FROM b
          UNION ALL SELECT id, unnest(left_ids), true FROM b WHERE left_ids IS NOT NULL) u
    GROUP BY u.id
)
SELECT {key_names}, k.kind IN ('again', 'missed') AS matches, k.kind
FROM (
    SELECT {key_names}, s.place, CASE
        WHEN NOT s.matches THEN NULL
        WHEN p.id IS NULL THEN CASE WHEN $13::boolean THEN 'missed' END
        WHEN EXISTS (SELECT FROM backfill_failures f
                     WHERE f.backfill_job_id = $5 AND f.record_id = p.id) THEN 'failed'
        WHEN p.newest = p.newest_left THEN 'skipped'
        ELSE 'again' END AS kind
    FROM o s LEFT JOIN p ON p.id = CASE WHEN s.matches THEN {span_text} END
) k
ORDER BY k.place

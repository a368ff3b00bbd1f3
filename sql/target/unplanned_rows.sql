-- The rows of a span, for plan_span.sql; those that are in a partition of the job already do not match. They are looked
-- for in the partitions that earlier sweeps have found (those of this one are behind its cursor), and in those of the
-- producer in which they may be; none is read where no row matches, as in most spans.
-- $5 job, $9 which sweep, $11 and $12 the producer's partitions: behind the first, up to the second
WITH o AS MATERIALIZED (SELECT r.*, row_number() OVER () AS place FROM ({rows}) r)
SELECT {key_names}, s.matches AND p.id IS NULL AS matches
FROM o s
LEFT JOIN (
    SELECT DISTINCT unnest(b.record_ids) AS id FROM backfill_partitions b
    WHERE b.backfill_job_id = $5 AND (SELECT bool_or(matches) FROM o)
      AND (b.sweep > 0 AND b.sweep < $9::smallint OR b.sweep = 0 AND b.partition_key > $11 AND b.partition_key <= $12)
) p ON p.id = CASE WHEN s.matches THEN {span_text} END
ORDER BY s.place

-- The planner's idea of the table's size, for when counting would take too long; what was never analysed is guessed from
-- its pages, which take about 80 narrow rows each.
SELECT coalesce(sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples
                         ELSE pg_relation_size(c.oid) / current_setting('block_size')::integer * 80 END), 0)::bigint
FROM pg_class c
WHERE c.relkind = 'r' AND (c.oid = {literal}::regclass
                           OR c.oid IN (SELECT p.relid FROM pg_partition_tree({literal}::regclass) p))

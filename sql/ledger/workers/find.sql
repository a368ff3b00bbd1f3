-- Workers that have not ended whose id begins so, or is that; two are enough to know that it is not clear.
-- $1 beginning of an id, in lower case
SELECT id FROM backfill_workers
WHERE tenant_id = backfill_tenant() AND id::text LIKE $1 || '%'
  AND (stopped_at IS NULL OR id::text = $1) LIMIT 2

-- The tokens, those in force first and the newest of them first; never the hash.
-- $1 at most so many
SELECT id, name, role, created_at, created_by, expires_at, last_used_at, revoked_at, revoked_by,
       CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= clock_timestamp() THEN 'expired' ELSE 'live' END
           AS state
FROM backfill_tokens
ORDER BY revoked_at IS NOT NULL, created_at DESC, id
LIMIT $1

-- The tokens that let somebody in now; and, as a row without an id, that there has ever been one.
SELECT id, name, role, hash
FROM backfill_tokens
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
UNION ALL
(SELECT NULL, NULL, NULL, NULL FROM backfill_tokens LIMIT 1)

-- Let a token be good for nothing from now on; no row when there is none in force of that name.
-- $1 name, $2 who does it
UPDATE backfill_tokens SET revoked_at = clock_timestamp(), revoked_by = $2
WHERE name = $1 AND revoked_at IS NULL
RETURNING id, role

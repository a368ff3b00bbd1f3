-- Keep a token, of which nothing but its hash is known.
-- $1 name, $2 role, $3 SHA-256 of it, $4 who makes it, $5 seconds until it expires or NULL for never
INSERT INTO backfill_tokens (name, role, hash, created_by, expires_at)
VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5::double precision))
RETURNING id, name, role, created_at, created_by, expires_at

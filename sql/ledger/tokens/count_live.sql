-- How many tokens are in force, whether they have expired or not.
SELECT count(*) FROM backfill_tokens WHERE revoked_at IS NULL

-- Insert killmails that are not there yet; returns the ids of those.
-- $1 ids, $2 times, $3 solar systems, $4 wars
INSERT INTO killmails (killmail_id, killmail_time, solar_system_id, war_id)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::integer[], $4::integer[])
ON CONFLICT (killmail_id) DO NOTHING
RETURNING killmail_id

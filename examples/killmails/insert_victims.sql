-- Insert the victims of new killmails.
-- $1 killmail ids, $2 ship types, $3 characters, $4 corporations, $5 alliances, $6 damages
INSERT INTO victims (killmail_id, ship_type_id, character_id, corporation_id, alliance_id, damage_taken)
SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
ON CONFLICT (killmail_id) DO NOTHING

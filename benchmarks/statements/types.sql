-- Killmails whose ships are of types 1 to so many, each of which needs a price.
-- $1 how many
INSERT INTO victims (killmail_id, ship_type_id) SELECT n, n FROM generate_series(1, $1::integer) n

-- Make units up.
-- $1 how many
INSERT INTO units (unit)
SELECT 'unit-' || to_char(n, 'FM0000') FROM generate_series(1, $1::integer) n
ON CONFLICT DO NOTHING

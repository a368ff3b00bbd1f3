-- The months of each unit, as keys: unit-0007/2024-03; ordered as Python orders texts.
-- $1 the last key that is known already, or an empty text, $2 the unit, or null for all, $3 and $4 the first and the last
-- month
SELECT key
FROM units u
CROSS JOIN generate_series(to_date($3::text, 'YYYY-MM'), to_date($4::text, 'YYYY-MM'), interval '1 month') month
CROSS JOIN LATERAL (SELECT u.unit || '/' || to_char(month, 'YYYY-MM') AS key) k
WHERE ($2::text IS NULL OR u.unit = $2) AND key COLLATE "C" > $1::text
ORDER BY key COLLATE "C"

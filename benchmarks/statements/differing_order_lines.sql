-- Rows of order_lines that do not hold what normalise_people would write.
SELECT count(*) AS differing
FROM order_lines
WHERE name_normalised IS DISTINCT FROM btrim(regexp_replace(lower(normalize(name, NFKC)), '\s+', ' ', 'g'))

-- Rows of people that do not hold what normalise_people writes.
SELECT count(*) AS differing
FROM people
WHERE name_normalised IS DISTINCT FROM btrim(regexp_replace(lower(normalize(name, NFKC)), '\s+', ' ', 'g'))

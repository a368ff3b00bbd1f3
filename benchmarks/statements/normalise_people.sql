-- The normalisation of examples/names.py in one statement, as nearly as every supported PostgreSQL can.
-- lower() is no case folding, and in a database with the locale C it knows ASCII only: the made-up names keep to what
-- both do alike.
UPDATE people
SET name_normalised = btrim(regexp_replace(lower(normalize(name, NFKC)), '\s+', ' ', 'g'))
WHERE name_normalised IS NULL

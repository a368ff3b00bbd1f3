-- The rows of a partition as they are now: how many there are, and keys (of several columns: their places among those
-- given) and versions of those the mode selects. Where row-level security filters the table, a row that is not there may
-- only be hidden. {{shape}} is shape.sql: it tells whether the columns are still the ones that they were.
-- $1 and on: keys, an array's literal for each column
SELECT count(*) AS present, row_security_active({literal}::regclass) AS is_filtered,
       CASE WHEN row_security_active({literal}::regclass) THEN (
           SELECT array_agg(p.polname::text ORDER BY p.polname) FROM pg_policy p
           WHERE p.polrelid = {literal}::regclass) END AS policies,
       ({shape}) AS shape,
       array_agg(r.place) FILTER (WHERE r.matches) AS places,
       array_agg(r.version::text) FILTER (WHERE r.matches) AS versions
FROM (SELECT {place} AS place, ({predicate}) IS TRUE AS matches, {version} AS version FROM {given_rows}) r

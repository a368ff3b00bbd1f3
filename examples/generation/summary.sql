-- What is stored of a unit, or of all, between two months; texts, as they go into JSON without losing digits.
-- $1 the unit, or null for all, $2 and $3 the first and the last month
SELECT min(day)::text AS data_from, max(day)::text AS data_to,
       count(DISTINCT (unit, date_trunc('month', day))) AS months,
       coalesce(sum(kwh), 0)::text AS total_kwh
FROM generation
WHERE ($1::text IS NULL OR unit = $1)
  AND day >= to_date($2::text, 'YYYY-MM') AND day < to_date($3::text, 'YYYY-MM') + interval '1 month'

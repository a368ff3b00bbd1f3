-- The stored rows of a unit and month, by day.
-- $1 unit, $2 first day of the month
SELECT day, kwh FROM generation
WHERE unit = $1::text AND day >= $2::date AND day < $2::date + interval '1 month'
ORDER BY day

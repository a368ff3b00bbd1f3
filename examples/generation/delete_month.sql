-- Delete the stored rows of a unit and month.
-- $1 unit, $2 first day of the month
DELETE FROM generation WHERE unit = $1::text AND day >= $2::date AND day < $2::date + interval '1 month'

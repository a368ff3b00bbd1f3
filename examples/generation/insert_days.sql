-- Insert rows of a unit.
-- $1 unit, $2 days, $3 kWh
INSERT INTO generation (unit, day, kwh)
SELECT $1::text, day, kwh FROM unnest($2::date[], $3::numeric[]) rows (day, kwh)

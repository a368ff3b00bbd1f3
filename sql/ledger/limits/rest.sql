-- Let all workers rest, as sql/functions/rest_calls.sql says.
-- $1 limit, $2 job at hand, $3 seconds, $4 reason
SELECT * FROM backfill_rest_calls($1, $2, $3, $4)

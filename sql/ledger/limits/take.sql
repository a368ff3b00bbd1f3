-- Take turns to call a service, as sql/functions/take_calls.sql says; no row: nothing is limited, and nobody has refused.
-- $1 limit, $2 whether the definition declares it, $3 calls a second or NULL, $4 burst, $5 calls under way or NULL,
-- $6 whether it is adaptive, $7 worker, $8 lease in seconds, $9 turns, $10 calls made since the last question, $11 calls
-- under way, $12 calls wanted
SELECT * FROM backfill_take_calls($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

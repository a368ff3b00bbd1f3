-- Who makes the next change of a job's state, and why; for the event it leaves.
-- $1 actor, $2 reason or an empty string
SELECT set_config('backfill.actor', $1, true), set_config('backfill.reason', $2, true)

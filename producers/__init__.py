"""Read record ids, plan them into partitions, publish a message for each. Imports `backfill` only."""

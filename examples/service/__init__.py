"""A small HTTP service to try backfills against: it enforces a limit, misbehaves on purpose, and counts."""

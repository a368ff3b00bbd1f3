"""Reference backfills: a folder each with its own page and demo, and the small `names` and `labels`."""

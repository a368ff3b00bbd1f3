"""Reference backfills: `killmails` with its own tables, data and loader, and the tiny `names`."""

"""What is judged of a backfill, a module a subject; each is given the case and tells its findings."""

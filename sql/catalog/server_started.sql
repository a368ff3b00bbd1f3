-- When the server was started: another one has another time.
SELECT pg_postmaster_start_time()

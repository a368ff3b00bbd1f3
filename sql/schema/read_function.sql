-- What the function of that name does as of now; NULL when there is none.
-- $1 name
SELECT prosrc FROM pg_proc WHERE oid = to_regproc($1)

-- Which of a table's columns this session's role may not write, and whether workers of the role made for them may not
-- either (NULL where there is no such role).
-- $1 quoted table, $2 columns
SELECT current_user::text AS role,
       (SELECT array_agg(c ORDER BY n) FROM unnest($2::text[]) WITH ORDINALITY AS u (c, n)
        WHERE NOT has_column_privilege($1::text, c, 'UPDATE')) AS columns,
       (SELECT array_agg(c ORDER BY n) FROM pg_roles r, unnest($2::text[]) WITH ORDINALITY AS u (c, n)
        WHERE r.rolname = 'backfill_worker' AND NOT has_column_privilege(r.oid, $1::text, c, 'UPDATE')) AS of_workers,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_worker') AS has_worker_role

-- Which tables of a list this session's role may write nothing of.
-- $1 names, as the search path finds them
SELECT current_user::text AS role,
       (SELECT array_agg(u.name ORDER BY u.place) FROM unnest($1::text[]) WITH ORDINALITY AS u (name, place)
            JOIN pg_class c ON c.oid = to_regclass(u.name)
        WHERE NOT (has_table_privilege(c.oid, 'DELETE') OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))) AS tables

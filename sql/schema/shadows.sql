-- What a session finds on its search path under the name of a function that our statements call, PostgreSQL's own or the
-- ledger's, or of an operator, for types of PostgreSQL: it would be called in place of that wherever its types fit better;
-- or under the name of one of the ledger's tables, before the ledger. Whoever owns the ledger or the database, or is a
-- superuser, may do as he likes, and so may a role that the login is a member of.
WITH ledger AS (
    SELECT relnamespace AS place, relowner AS owner FROM pg_class WHERE oid = 'backfill_schema'::regclass
), places AS MATERIALIZED (
    SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY (current_schemas(false)) AND nspname <> 'pg_catalog'
), found AS MATERIALIZED (
    SELECT 'function ' || oid::regprocedure::text AS what, proowner AS owner, pronamespace AS place,
           proargtypes::oid[] AS types, 'pg_proc'::regclass AS kind, oid
    FROM pg_proc WHERE pronamespace IN (SELECT oid FROM places) AND proname IN (
    'array_agg', 'array_append', 'array_remove', 'array_to_string', 'avg', 'bool_and', 'bool_or', 'cardinality',
    'clock_timestamp', 'concat_ws', 'count', 'current_database', 'current_schema',
    'current_schemas', 'current_setting', 'date_trunc', 'extract',
    'floor', 'format', 'format_type', 'gen_random_uuid', 'generate_series', 'has_any_column_privilege',
    'has_column_privilege', 'has_function_privilege', 'has_schema_privilege', 'has_table_privilege', 'hashtext', 'hashtextextended', 'int8range',
    'json_agg', 'json_build_object', 'json_each_text', 'json_typeof', 'jsonb_agg', 'jsonb_array_length',
    'jsonb_build_object', 'jsonb_each', 'jsonb_each_text', 'jsonb_object_agg', 'jsonb_typeof', 'lag', 'lead', 'left',
    'length', 'lpad', 'ltrim',
    'make_interval', 'max', 'min', 'nextval', 'numrange', 'octet_length', 'percentile_cont', 'pg_advisory_xact_lock',
    'pg_advisory_xact_lock_shared', 'pg_blocking_pids', 'pg_control_system', 'pg_current_snapshot', 'pg_current_xact_id',
    'pg_has_role', 'pg_partition_tree', 'pg_postmaster_start_time', 'pg_relation_size', 'pg_sleep', 'pg_snapshot_xmax', 'pg_snapshot_xmin',
    'pg_trigger_depth', 'pg_try_advisory_xact_lock', 'pg_visible_in_snapshot', 'quote_ident', 'regexp_replace', 'round', 'row_number',
    'row_security_active', 'set_config', 'statement_timestamp', 'string_agg', 'string_to_array', 'sum', 'to_regclass', 'to_regproc',
    'to_regrole', 'to_timestamp', 'unnest')
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure::text, proowner, pronamespace, proargtypes::oid[], 'pg_proc'::regclass, p.oid
    FROM ledger JOIN pg_proc p ON pronamespace IN (SELECT oid FROM places) AND proname IN (
        SELECT proname FROM pg_proc WHERE pronamespace = ledger.place AND proname LIKE 'backfill\_%'
            AND proowner = ledger.owner)
    UNION ALL
    SELECT 'table ' || c.oid::regclass::text, relowner, relnamespace, '{}', 'pg_class'::regclass, c.oid
    FROM ledger JOIN pg_class c ON relnamespace IN (SELECT oid FROM places) AND relnamespace <> ledger.place
    WHERE c.oid = to_regclass(quote_ident(relname)) AND relname IN (
        SELECT relname FROM pg_class WHERE relnamespace = ledger.place AND relname LIKE 'backfill\_%')
    UNION ALL
    SELECT 'operator ' || oid::regoperator::text, oprowner, oprnamespace, ARRAY[oprleft, oprright],
           'pg_operator'::regclass, oid
    FROM pg_operator WHERE oprnamespace IN (SELECT oid FROM places)
)
SELECT what, r.rolname::text AS owner, places.nspname::text AS place
FROM found JOIN places ON places.oid = found.place JOIN pg_roles r ON r.oid = found.owner
WHERE NOT r.rolsuper
  AND ((SELECT rolsuper FROM pg_roles WHERE rolname = session_user)  -- who counts as a member of everything
       OR NOT pg_has_role(session_user, r.oid, 'MEMBER'))
  AND r.oid <> (SELECT owner FROM ledger)
  AND r.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database())
  AND NOT EXISTS (SELECT FROM pg_type WHERE oid = ANY (types) AND typnamespace <> 'pg_catalog'::regnamespace)
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = kind AND objid = found.oid AND deptype = 'e')
LIMIT 1

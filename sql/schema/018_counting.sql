-- A job is counted by functions, as a partition is claimed by one: its row is held for no client. What they do is in
-- `sql/functions`, and is put there next; here they begin, so that roles that were made before may call them where nobody
-- may call what is new (ALTER DEFAULT PRIVILEGES): `init --roles` need not come first.
-- oldest program: 3
CREATE FUNCTION backfill_count_ended(the_job uuid, anew boolean) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION backfill_forget_counts(the_job uuid) RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION backfill_roll_up(the_job uuid, anew boolean, is_alone boolean) RETURNS TABLE (
    ended boolean, failed bigint, ended_partitions bigint, total bigint
) LANGUAGE plpgsql AS $$ BEGIN END $$;

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['backfill_owner', 'backfill_operator', 'backfill_worker'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name);
        IF has_any_column_privilege(role_name, 'backfill_jobs', 'UPDATE') THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION backfill_count_ended(uuid, boolean), backfill_forget_counts(uuid), '
                           'backfill_roll_up(uuid, boolean, boolean) TO %I', role_name);
        END IF;
    END LOOP;
END
$$;

"""The table that a storm is about, and the audit of all that is written to it."""

from typing import Any

import asyncpg

from tests.storm import keys
from tests.storm.dice import Schedule

SKIPPED, BROKEN = -1, -2  # in `base`: a record that is skipped, and one that cannot be computed
EMPTY = {"null": "NULL", "zero": "0", "all": "NULL"}
# In the transaction of each write: what was there, what is there now, and of a backfill's write, which process the
# ledger says holds the partition.
AUDIT = """
CREATE {kind} TABLE audit (
    at timestamptz NOT NULL DEFAULT clock_timestamp(), n bigint NOT NULL, key text NOT NULL, who text NOT NULL,
    job uuid, holder integer, old numeric, old_base integer, new numeric
);
-- Dynamic, as the column may be another one by the next statement of the session.
CREATE FUNCTION audit_things() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    the_job uuid := nullif(current_setting('backfill.job', true), '')::uuid;
    the_key text;
    the_holder integer;
BEGIN
    IF the_job IS NOT NULL THEN
        EXECUTE $q$ SELECT {text} FROM after r LIMIT 1 $q$ INTO the_key;
        SELECT w.pid INTO the_holder FROM backfill_partitions p JOIN backfill_workers w ON w.id = p.worker_id
        WHERE p.backfill_job_id = the_job AND p.record_ids @> ARRAY[the_key]
        ORDER BY p.state = 'running' DESC, p.id DESC LIMIT 1;
    END IF;
    EXECUTE $q$
        INSERT INTO audit (n, key, who, job, holder, old, old_base, new)
        SELECT r.n, {text}, current_setting('application_name'), $1, $2, (to_jsonb(o) ->> 'value')::numeric,
               o.base, (to_jsonb(r) ->> 'value')::numeric
        FROM before o JOIN after r USING (n)
    $q$ USING the_job, the_holder;
    RETURN NULL;
END
$$;
CREATE TRIGGER things_audit AFTER UPDATE ON things REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION audit_things();
"""


def insert(schedule: Schedule, numbers: str, *, value: str) -> str:
    """SQL: insert records with these numbers, a query of `i`; gives their `n`."""
    base = f"CASE WHEN i % 37 = 0 THEN {SKIPPED} WHEN i % 53 = 0 THEN {BROKEN} ELSE (random() * 100000)::integer END"
    return (
        f"INSERT INTO things ({', '.join(keys.names(schedule.key))}, i, base, value) "
        f"SELECT {', '.join(keys.values(schedule.key, 'i'))}, i, "
        f"{base}, {value} "
        f"FROM ({numbers}) AS wanted (i) ON CONFLICT DO NOTHING RETURNING n"
    )


async def create(connection: "asyncpg.Connection[Any]", schedule: Schedule, *, survives_crashes: bool) -> None:
    names = keys.names(schedule.key)
    columns = ", ".join(f"{name} {kind} NOT NULL" for name, kind in zip(names, schedule.key, strict=True))
    await connection.execute(
        f"CREATE TABLE things ({columns}, i integer NOT NULL UNIQUE, n bigint GENERATED ALWAYS AS IDENTITY, "
        f"base integer NOT NULL, value {schedule.column}, touched integer NOT NULL DEFAULT 0, "
        f"PRIMARY KEY ({', '.join(names)}))"
    )
    kind = "" if survives_crashes else "UNLOGGED"
    await connection.execute(AUDIT.format(kind=kind, text=keys.text(schedule.key, "r")))
    await connection.execute(
        insert(schedule, f"SELECT generate_series(1, {schedule.rows})", value=EMPTY[schedule.mode])
    )


def expected(old: Any, base: int) -> int:
    """What the definition makes of a record; twice on one record, it shows."""
    return int(old or 0) + base + 1

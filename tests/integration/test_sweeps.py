"""Closing sweeps: what committed late is found, what the application goes on writing is bounded and said."""

import itertools
import signal
from typing import Any

import pytest

from tests.support.keyed import Table, login
from tests.support.operating import done
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

# Columns, what they are made of, the key of number 50, and the number of a key.
ONE = ("id integer", "n", "50", "id")
TWO = (
    "order_id integer, line_no text",
    "n / 10, 'a,\"' || n % 10",
    '{5,"a,\\"0"}',
    "order_id * 10 + right(line_no, 1)::int",
)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("key", "made"), [("id", ONE), ("order_id,line_no", TWO)])
async def test_what_commits_behind_the_cursor_is_found_and_done(
    world: World, key: str, made: tuple[str, ...], after: bool, order: str
) -> None:
    columns, of_number, fifty, number = made
    table = Table(world, key=key)
    await table.create(columns)
    insert = f"INSERT INTO keyed ({key}) SELECT {of_number} FROM generate_series(0, 99) n WHERE n % 3 {{}} 0"
    await world.execute(insert.format("="))
    # They match to the end, and each sweep meets them.
    await world.execute(f"UPDATE keyed SET stays = 'yes' WHERE {number} % 2 = 0")
    async with world.session() as session:
        late = session.transaction()
        await late.start()
        await session.execute(insert.format("<>"))
        await table.queue("--batch-size=7", f"--order={order}", *([f"--after={fifty}"] if after else []))
        await late.commit()
    printed = await table.work()
    assert "records had been missed; queued." in printed
    behind = {n for n in range(100) if not after or (n > 50 if order == "asc" else n < 50)}
    rows = await world.fetch(f"SELECT {number} AS n, value, stays FROM keyed")
    assert {row["n"]: row["value"] for row in rows if row["value"]} == {
        row["n"]: 1 for row in rows if row["n"] in behind and not row["stays"]
    }
    ids = await table.planned()
    assert len(ids) == len(set(ids)) == len(behind)
    kept = sum(row["n"] in behind for row in rows if row["stays"])
    job = await table.job()
    assert (job["records_left"], job["left_reasons"]) == (kept, f'{{"skipped": {kept}}}' if kept else "{}")


async def test_an_application_that_goes_on_inserting_does_not_keep_a_job_for_ever(world: World) -> None:
    table = Table(world)
    await table.create("id uuid DEFAULT gen_random_uuid()")
    # Each record that is written makes another one that matches.
    await world.execute(
        "CREATE FUNCTION one_more() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO keyed DEFAULT VALUES; RETURN NULL; END $$;"
        "CREATE TRIGGER one_more AFTER UPDATE ON keyed FOR EACH ROW EXECUTE FUNCTION one_more();"
        "INSERT INTO keyed SELECT FROM generate_series(1, 60)"
    )
    await table.queue("--batch-size=10")
    printed = await table.work()
    job = await table.job()
    left = job["records_left"]
    assert (job["state"], job["sweep"]) == ("completed", 3)
    missed = await world.value(
        "SELECT count(*) FROM keyed WHERE value IS NULL AND id <= $1::text::uuid", job["upper_key"]
    )
    assert left == missed > 30
    said = f"{left} records still match: {left} written or undone by others while it ran"
    assert f"Job {job['id']} completed. {said}." in printed
    for command in ("status", "wait"):
        assert f"Left: {said}" in (await done(world, command)).out
        shown = (await done(world, command, "--json")).json
        assert (shown["records_left"], shown["left_reasons"]) == (left, {"written": left})


async def test_a_limit_holds_for_sweeps_too(world: World) -> None:
    table = Table(world)
    await table.create("id integer")
    async with world.session() as session:
        late = session.transaction()
        await late.start()
        await session.execute("INSERT INTO keyed SELECT generate_series(2, 40, 2)")
        await world.execute("INSERT INTO keyed SELECT generate_series(1, 41, 2)")
        await table.queue("--batch-size=5", "--limit=30")
        await late.commit()
    await table.work()
    assert await table.values() == {1: 30, None: 11}
    assert (await table.job())["records_matched"] == 30


async def slow(table: Table, rows: int) -> None:
    """A table of which reading a row takes long, and is counted; 5 records match.

    No sweep comes further than the first cursor behind a fifth of it while `barred` has a row.
    """
    await table.create("id integer")
    await table.world.execute(
        f"INSERT INTO keyed SELECT n, CASE WHEN n % {rows // 5} <> 7 THEN 9 END FROM generate_series(1, {rows}) n;"
        "CREATE SEQUENCE reads; CREATE TABLE cursors (n serial, sweep integer, cursor integer);"
        "CREATE TABLE barred (); INSERT INTO barred DEFAULT VALUES;"
        "CREATE FUNCTION seen() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN PERFORM nextval('reads'), sum(sqrt(n)) FROM generate_series(1, 200) n; RETURN true; END $$;"
        "ALTER TABLE keyed ENABLE ROW LEVEL SECURITY; CREATE POLICY slow ON keyed USING (seen());"
        "CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
        f" IF EXISTS (SELECT FROM barred) AND EXISTS (SELECT FROM cursors WHERE cursor >= {rows // 5})"
        " THEN RAISE 'no further'; END IF;"
        " INSERT INTO cursors (sweep, cursor) VALUES (NEW.sweep, NEW.sweep_cursor::integer); RETURN NULL; END $$;"
        "CREATE TRIGGER remember AFTER UPDATE OF sweep_cursor ON backfill_jobs"
        " FOR EACH ROW EXECUTE FUNCTION remember();"
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO PUBLIC"
    )


async def test_a_sweep_of_a_slow_table_is_cut_into_spans_and_goes_on_at_its_cursor(world: World) -> None:
    rows = 20_000
    table = Table(world)
    await slow(table, rows)
    settings: dict[str, Any] = {"TEST_SETTINGS": "app.who=me", "BACKFILL_STATEMENT_TIMEOUT_MS": "250"}
    async with login(world, "NOSUPERUSER", statement_timeout="'250ms'") as url:
        settings["DATABASE_URL"] = url

        # On a busy machine a statement is cut off now and then: the command says so, and the next one goes on.
        async def is_queued() -> bool:
            return await table.producer("--idempotency-key=slow", **settings).wait() == 0

        await eventually(is_queued)
        assert (await table.job())["records_matched"] == 5
        worker = table.worker(**settings)

        async def in_the_middle() -> Any:
            return await world.value(f"SELECT max(cursor) FROM cursors WHERE cursor >= {rows // 5}")

        await eventually(in_the_middle)
        worker.kill(signal.SIGKILL)
        await worker.wait()
        await world.let_leases_end(worker.pid)
        await world.execute("DELETE FROM barred")
        await world.value("SELECT setval('reads', 1)")
        at = (await table.job())["sweep_cursor"]
        assert int(at) < rows

        async def is_completed() -> bool:
            await table.work(**settings)
            return bool((await table.job())["state"] == "completed")

        await eventually(is_completed, deadline=60)
    cursors = [
        row["cursor"] for row in await world.fetch("SELECT cursor FROM cursors WHERE cursor IS NOT NULL ORDER BY n")
    ]
    assert cursors == sorted(cursors)
    assert cursors[-1] == rows
    assert max(b - a for a, b in itertools.pairwise(cursors)) < 10_000  # with which a sweep would begin
    # What was behind the cursor was read no more; of a span that was cut off only a part is read twice.
    assert await world.value("SELECT last_value FROM reads") < 3 * (rows - int(at)) + 10_000
    assert await table.values() == {9: rows - 5, 1: 5}


async def test_a_burst_waits_for_who_is_at_its_job_however_short_a_statement_may_be(world: World) -> None:
    table = Table(world)
    await table.create("id integer")
    await world.execute("INSERT INTO keyed SELECT generate_series(1, 10)")
    await table.queue()
    # Given a job of which nothing is left to claim, and somebody who closes it
    await world.execute(
        "UPDATE keyed SET value = 1;"
        "UPDATE backfill_partitions SET state = 'completed', completed_at = now(), records_updated = record_count"
    )
    async with world.session() as session:
        closing = session.transaction()
        await closing.start()
        await session.execute("SELECT FROM backfill_jobs FOR NO KEY UPDATE")
        worker = table.worker("--burst", BACKFILL_STATEMENT_TIMEOUT_MS="1000")
        waits: set[Any] = set()

        async def has_waited_again() -> bool:
            waits.update(
                await world.fetch(
                    "SELECT pid, query_start FROM pg_stat_activity "
                    "WHERE wait_event_type = 'Lock' AND datname = current_database()"
                )
            )
            return len(waits) > 3 or worker.returncode is not None

        await eventually(has_waited_again)
        await closing.rollback()
    assert await worker.wait() == 0
    assert (await table.job())["state"] == "completed", worker.output

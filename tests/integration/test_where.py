"""`where` of a definition: it holds wherever the mode does; what is no condition is refused before a job is opened."""

from collections.abc import Mapping
from typing import Any

import pytest

from backfill.catalog import resolve
from backfill.errors import SchemaError
from backfill.modes import Mode
from backfill.probing import need_fit_queries
from backfill.producers.command import main as queue_command
from backfill.workers.links import readiness
from tests.support.definitions import Counter
from tests.support.logins import Logins, refused, session
from tests.support.made_up import Made, Verdict, box, queued, verdict, worked
from tests.support.operating import ask, done, until, working
from tests.support.world import World

pytestmark = pytest.mark.long

ACTIVE = "is_active boolean DEFAULT true, version integer DEFAULT 1"
PASSED = "no longer selected by mode {} and where"


class Active(Counter):
    """The same, of records that have something extra."""

    name = "active"
    where = "t.extra = 'active'"


class Broken(Counter):
    """With a condition on a column that is not there."""

    name = "broken"
    where = "t.is_active"


def ones(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"value": 1}


async def boxed(world: World, count: int = 20, *, more: str = ACTIVE, stored: str = "NULL") -> None:
    await box(world, "integer", range(1, count + 1), more=more, stored=stored)


async def written(world: World) -> list[int]:
    return [row["id"] for row in await world.fetch("SELECT id FROM box WHERE value = 1 ORDER BY id")]


# --- which records


@pytest.mark.parametrize(
    ("mode", "stored"), [(Mode.NULL, "NULL"), (Mode.ZERO, "0"), (Mode.ALL, "NULL"), (Mode.ALL, "7")]
)
async def test_every_mode_takes_only_records_that_meet_it_and_null_does_not(
    world: World, mode: Mode, stored: str
) -> None:
    await boxed(world, stored=stored)
    await world.execute("UPDATE box SET is_active = CASE id % 3 WHEN 0 THEN false WHEN 1 THEN NULL ELSE true END")
    definition = Made(ones, where="t.is_active")
    await queued(world, definition, mode=mode, batch_size=3)
    ended = await verdict(world, await worked(world, definition))
    assert (ended.state, ended.counts) == ("completed", {"updated": 7})
    assert await written(world) == [n for n in range(1, 21) if n % 3 == 2]
    job = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
    assert (job["records_matched"], job["records_left"], job["left_reasons"]) == (7, 0, "{}")
    assert await queued(world, definition, mode=mode) is None or mode is Mode.ALL


@pytest.mark.parametrize("version", [(), ("version",)])
@pytest.mark.parametrize("mode", [Mode.NULL, Mode.ALL])
async def test_what_stops_to_meet_it_after_planning_is_skipped_with_a_reason_of_its_own(
    world: World, mode: Mode, version: tuple[str, ...]
) -> None:
    await boxed(world)
    definition = Made(ones, where="t.is_active", version=version)
    await queued(world, definition, mode=mode, batch_size=5)
    await world.execute("UPDATE box SET is_active = false WHERE id IN (3, 4, 17)")
    ended = await verdict(world, await worked(world, definition))
    assert (ended.state, ended.counts) == ("completed", {"updated": 17, "skipped": 3})
    assert ended.skipped == {PASSED.format(mode.value): 3}
    assert await written(world) == [n for n in range(1, 21) if n not in (3, 4, 17)]


@pytest.mark.parametrize("version", [(), ("version",)])
@pytest.mark.parametrize("mode", [Mode.NULL, Mode.ALL])
async def test_what_stops_to_meet_it_while_its_value_is_computed_is_not_written(
    world: World, mode: Mode, version: tuple[str, ...]
) -> None:
    """With columns for a version the row still is the version that was read: only the condition tells."""
    await boxed(world)
    loads = 0

    async def load(connection: Any, keys: Any) -> Any:
        nonlocal loads
        loads += 1
        if loads == 2:
            await world.execute("UPDATE box SET is_active = false WHERE id BETWEEN 5 AND 7")
        return await connection.fetch("SELECT * FROM box WHERE id = ANY($1)", keys)

    definition = Made(ones, load=load, where="t.is_active", version=version)
    await queued(world, definition, mode=mode, batch_size=5)
    ended = await verdict(world, await worked(world, definition))
    # 5 had its turn before.
    assert (ended.state, ended.counts) == ("completed", {"updated": 18, "skipped": 2})
    assert ended.skipped == {PASSED.format(mode.value): 2}
    assert await written(world) == [n for n in range(1, 21) if n not in (6, 7)]


async def test_what_another_table_takes_out_of_it_is_not_written(world: World) -> None:
    """The row itself does not change: not its xmin either."""
    await boxed(world)
    # Named like a part of a statement of ours.
    await world.execute("CREATE TABLE locked (version bigint); CREATE TABLE span (id bigint)")

    async def load(connection: Any, keys: Any) -> Any:
        if 6 in keys:
            await world.execute("INSERT INTO locked VALUES (6), (16)")
        return await connection.fetch("SELECT * FROM box WHERE id = ANY($1)", keys)

    where = "NOT EXISTS (SELECT FROM locked l WHERE l.version = t.id) AND t.id NOT IN (SELECT id FROM span)"
    definition = Made(ones, load=load, where=where)
    await queued(world, definition, mode=Mode.NULL, batch_size=5)
    ended = await verdict(world, await worked(world, definition))
    assert (ended.state, ended.counts) == ("completed", {"updated": 18, "skipped": 2})
    assert await written(world) == [n for n in range(1, 21) if n not in (6, 16)]


async def test_the_closing_sweep_takes_what_has_come_to_meet_it_and_nothing_else(world: World) -> None:
    await boxed(world)
    await world.execute("UPDATE box SET is_active = id <= 10")
    definition = Made(ones, where="t.is_active")
    await queued(world, definition, mode=Mode.NULL, batch_size=5)
    await world.execute("UPDATE box SET is_active = true WHERE id = 15")
    ended = await verdict(world, await worked(world, definition))
    assert (ended.state, ended.counts) == ("completed", {"updated": 11})
    assert await written(world) == [*range(1, 11), 15]


async def test_in_mode_all_a_sweep_leaves_alone_what_no_longer_meets_it(world: World) -> None:
    """Undone is what is NULL again and still meets the condition."""
    await boxed(world, 10)
    definition = Made(ones, where="t.is_active")
    await queued(world, definition, batch_size=5)
    await world.execute(
        "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE box SET value = NULL, is_active = false WHERE id = NEW.id - 5; RETURN NULL; END $$;"
        "CREATE TRIGGER undo AFTER UPDATE OF value ON box FOR EACH ROW WHEN (NEW.id > 5 AND NEW.value = 1)"
        " EXECUTE FUNCTION undo()"
    )
    ended = await verdict(world, await worked(world, definition))
    assert (ended.state, ended.counts) == ("completed", {"updated": 10})
    assert await written(world) == [6, 7, 8, 9, 10]
    assert await world.value("SELECT records_left FROM backfill_jobs") == 0


async def test_ids_that_do_not_meet_it_are_left_out_and_named(world: World) -> None:
    world.definition = "tests.integration.test_where:Active"
    await world.rows(3)
    await world.execute("UPDATE things SET extra = 'active' WHERE id = 1")
    answer = await ask(world, "--mode=null", "--id=1", "--id=2", command=queue_command)
    assert answer.code == 0, answer
    why = "left out, mode null takes records of things whose value is NULL and where t.extra = 'active'"
    assert f"--id 2: {why}" in answer.err
    assert "Records: 1\n" in answer.out


# --- what is said


async def test_what_is_queued_is_said_with_it(world: World) -> None:
    world.definition = "tests.integration.test_where:Active"
    await world.rows(3)
    await world.execute("UPDATE things SET extra = 'active' WHERE id < 3")
    answer = await ask(world, "--mode=null", "--dry-run", command=queue_command)
    assert "Mode: null - records of things whose value is NULL and where t.extra = 'active'\n" in answer.out
    assert "Predicate: (t.\"value\" IS NULL) AND (t.extra = 'active')\n" in answer.out
    assert "Records: 2\n" in answer.out
    answer = await ask(world, "--mode=all", "--dry-run", command=queue_command)
    assert "Mode: all - every record of things where t.extra = 'active'\n" in answer.out


# --- what is refused

WRONG = {
    "t.id > ": "syntax error at end of input",
    "is_active": 'column "is_active" does not exist',  # without its `t.`
    "t.is_actve": "has no column 'is_actve' (Made); it has: id, value",
    "t.is_active AND version = 1": 'column "version" does not exist',
    "t.version = 1 AND version = 1": 'column reference "version" is ambiguous',
    "another.version = t.version": 'missing FROM-clause entry for table "another"',
    "t.version": "argument of WHERE must be type boolean, not type integer",
    "t.version > 'many'": "invalid input syntax for type integer",
    "t.version > ''::jsonb": "invalid input syntax for type json",
    "t.is_active; DELETE FROM box": "cannot insert multiple commands",
    "t.is_active) OR (true": 'syntax error at or near ")"',
    "t.is_active) --": 'syntax error at or near ")"',
    "t.is_active /* and": "unterminated /* comment",
    "t.is_active AND 'x": "unterminated quoted string",
    "-- t.is_active": "syntax error at end of input",
    "t.is_active ORDER BY t.id": 'syntax error at or near "ORDER"',
    "t.is_active LIMIT 1": 'syntax error at or near "LIMIT"',
    "t.is_active FOR UPDATE": 'syntax error at or near "FOR"',
    "t.is_active UNION SELECT FROM box": 'syntax error at or near "UNION"',
    "count(t.id) > 1": "aggregate functions are not allowed in WHERE",
    "row_number() OVER () > 1": "window functions are not allowed in WHERE",
    "generate_series(1, t.version) > 0": "set-returning functions are not allowed in WHERE",
    "t.version = $1": "has the parameter $1",
    "t IS NOT NULL": "has `t` without a column",
    "t.* IS NOT NULL": "has `t` without a column",
    "EXISTS (SELECT FROM box t)": "has `t` without a column",
    "t.xmin IS NOT NULL": "has no column 'xmin'",
    "  ": "syntax error at end of input",
}
RIGHT = (
    "t.is_active",
    'T.Is_Active AND "t"."version" > 0',
    "t . version /* t.nothing */ > 0 -- t.nothing",
    "t.is_active IS NOT NULL AND 't.nothing' = $$t.nothing$$ AND E'\\'t.nothing' <> 'it''s t.nothing'",
    "t.version % 2 = 0 OR '{id} {0} %s $1 {' <> ''",
    "EXISTS (SELECT version FROM box b WHERE b.id = t.id AND is_active)",
    "t.id IN (SELECT max(id) FROM box GROUP BY version)",
    "(t.is_active) OR (true)",
    "t.is_active -- ) AND (",
    "now() > '2020-01-01'",
)


async def probe(world: World, where: str, mode: Mode = Mode.NULL) -> None:
    target = await resolve(world.connection, Made(ones, where=where), mode)
    await need_fit_queries(world.connection, target)


@pytest.mark.parametrize("where", WRONG)
async def test_what_is_no_condition_is_refused_in_a_line(world: World, where: str) -> None:
    await boxed(world)
    with pytest.raises(SchemaError) as told:
        await probe(world, where)
    assert WRONG[where] in str(told.value)
    assert "\n" not in str(told.value)
    assert "Made" in str(told.value)


@pytest.mark.parametrize("where", RIGHT)
@pytest.mark.parametrize("mode", Mode)
async def test_what_is_a_condition_works_from_end_to_end(world: World, where: str, mode: Mode) -> None:
    await boxed(world, stored="0" if mode is Mode.ZERO else "NULL")
    await world.execute("UPDATE box SET version = id")
    await probe(world, where, mode)
    expected = await world.value(f"SELECT count(*) FROM box t WHERE ({where}\n)")
    definition = Made(ones, where=where)
    await queued(world, definition, mode=mode, batch_size=6)
    assert (await verdict(world, await worked(world, definition))).counts == {"updated": expected}


async def test_no_job_is_opened_over_a_wrong_one_and_workers_say_it_as_they_begin(world: World) -> None:
    await world.rows(3)
    world.definition = "tests.integration.test_where:Broken"
    for arguments in (["--mode=all"], ["--mode=null", "--dry-run"]):
        answer = await ask(world, *arguments, command=queue_command)
        assert (answer.code, answer.err.count("\n")) == (6, 1), answer
        assert "has no column 'is_active' (Broken)" in answer.err
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0
    wrong = type("Wrong", (Counter,), {"where": "t.base"})()
    said = [one async for one in readiness.warnings(world.connection, {"wrong": wrong})]
    assert said == [
        "counter: where of Wrong: argument of WHERE must be type boolean, not type integer; "
        "correct it; columns of the table are written t.column"
    ]
    assert "has no column 'is_active'" in (await done(world, "definitions")).out


async def test_one_that_fails_for_a_record_is_refused_and_pauses_a_job_that_was_opened_before(world: World) -> None:
    await boxed(world)
    definition = Made(ones, where="1 / t.version = 1")
    await queued(world, definition, mode=Mode.NULL, batch_size=5)
    await world.execute("UPDATE box SET version = 0 WHERE id = 7")
    ended = await verdict(world, await worked(world, definition))
    assert (ended.state, ended.failed) == ("paused", {})
    assert "where of Made: division by zero; it must not fail for any record" in ended.paused
    with pytest.raises(SchemaError, match="where of Made: division by zero"):
        await queued(world, Made(ones, where="1 / t.version = 1", name="other"), mode=Mode.NULL)


# --- a table that changes


async def changed(world: World, ddl: str, where: str, version: tuple[str, ...]) -> Verdict:
    """What becomes of four partitions when the table changes between the reading and the writing of the second."""
    await boxed(world)
    loads = 0

    async def load(connection: Any, keys: Any) -> Any:
        nonlocal loads
        loads += 1
        if loads == 2:
            await world.execute(ddl)
        return await connection.fetch("SELECT id FROM box WHERE id = ANY($1)", keys)

    definition = Made(ones, load=load, where=where, version=version)
    await queued(world, definition, mode=Mode.NULL, batch_size=5)
    return await verdict(world, await worked(world, definition))


@pytest.mark.parametrize("version", [(), ("version",)])
@pytest.mark.parametrize(
    ("ddl", "said"),
    [
        ("ALTER TABLE box DROP COLUMN is_active", "has no column 'is_active' (Made)"),
        (
            "ALTER TABLE box ALTER COLUMN is_active DROP DEFAULT, ALTER COLUMN is_active TYPE integer USING 1",
            "where of Made: argument of WHERE must be type boolean, not type integer",
        ),
        ("ALTER TABLE box RENAME COLUMN is_active TO is_alive", "has no column 'is_active' (Made)"),
    ],
)
async def test_a_column_of_it_that_goes_or_no_longer_fits_pauses_the_job(
    world: World, ddl: str, said: str, version: tuple[str, ...]
) -> None:
    ended = await changed(world, ddl, "t.is_active", version)
    assert (ended.state, ended.counts, ended.failed) == ("paused", {"updated": 5}, {})
    assert said in ended.paused


@pytest.mark.parametrize("version", [(), ("version",)])
async def test_a_column_of_it_that_became_another_that_fits_is_read_as_what_it_is(
    world: World, version: tuple[str, ...]
) -> None:
    ddl = "ALTER TABLE box DROP COLUMN is_active; ALTER TABLE box ADD is_active boolean DEFAULT false"
    ended = await changed(world, ddl, "t.is_active", version)
    assert (ended.state, ended.counts) == ("completed", {"updated": 5, "skipped": 15})


# --- rights


async def test_workers_may_read_its_columns_and_no_others(world: World, logins: Logins) -> None:
    await world.rows(10)
    await world.execute("UPDATE things SET extra = 'active' WHERE id < 6")
    world.definition = "tests.integration.test_where:Active"
    app = f"--app={world.definition}"
    async with session(logins.worker, "default") as worker:
        await refused(worker, "SELECT extra FROM things")
    await done(world, "init", "--roles", app)
    async with session(logins.worker, "default") as worker:
        await worker.fetch("SELECT extra FROM things")
        await refused(worker, "SELECT base FROM things")
        await refused(worker, "UPDATE things SET extra = ''")
    answer = await ask(world, "--mode=null", command=queue_command, DATABASE_URL=logins.operator)
    assert answer.code == 0, answer
    async with working(world, DATABASE_URL=logins.worker):
        await until(world, "completed")
    assert await world.value("SELECT array_agg(id ORDER BY id) FROM things WHERE value = 1") == [1, 2, 3, 4, 5]

"""The ledger's schema: applied safely, guarded against illegal changes, and fit for every statement we have."""

import asyncio
import itertools
import re
from dataclasses import fields
from typing import Any

import asyncpg
import pytest

from backfill import catalog, schema, statements
from backfill.errors import SchemaError
from backfill.ledger import spans
from backfill.ledger.job import Job, PlannedPartition, RolledUp
from backfill.ledger.progress import Progress
from backfill.modes import Mode
from backfill.states import JOB_ARROWS, JobState
from tests.support import databases, definitions
from tests.support.world import World

NAMES = sorted(str(path.relative_to(statements.FOLDER).with_suffix("")) for path in statements.FOLDER.rglob("*.sql"))
OF_COVERAGE = {"scope_records", "scope_covered", "scope_is_estimate", "first_covered"}
OPEN = (
    "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, state, planned_at, started_at, "
    "paused_at, completed_at) VALUES ($1, 'null', 10, 'x', $2, clock_timestamp(), clock_timestamp(), "
    "clock_timestamp(), CASE WHEN $2 IN ('completed', 'failed', 'cancelled') THEN clock_timestamp() END) RETURNING id"
)


async def test_applying_twice_changes_nothing(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        assert await schema.apply(connection) == []
        await schema.check(connection)
    finally:
        await connection.close()


async def test_a_new_database_may_be_set_up_by_several_at_once(services: object, database: str) -> None:
    async with databases.new_database(database) as url:
        connections = [await asyncpg.connect(url) for _ in range(4)]
        try:
            applied = await asyncio.gather(*(schema.apply(connection) for connection in connections))
            assert sorted(map(bool, applied)) == [False, False, False, True]
        finally:
            for connection in connections:
                await connection.close()


async def test_a_newer_ledger_is_refused_and_left_alone(world: World) -> None:
    await world.execute("INSERT INTO backfill_schema (version) VALUES (999)")
    for call in (schema.apply, schema.check):
        with pytest.raises(SchemaError, match="it is too old; upgrade it"):
            await call(world.connection)


async def test_a_ledger_to_which_was_only_added_is_one_that_older_programs_go_on_with(world: World) -> None:
    for version, oldest, works in ((998, schema.NEWEST, True), (999, 998, False)):
        await world.execute("INSERT INTO backfill_schema (version, oldest_program) VALUES ($1, $2)", version, oldest)
        if works:
            await schema.check(world.connection)
            assert await schema.apply(world.connection) == []
        else:
            with pytest.raises(SchemaError, match="it is too old; upgrade it"):
                await schema.check(world.connection)


async def test_a_function_is_replaced_where_it_is_another_one_but_never_by_an_older_program(world: World) -> None:
    other = statements.read("functions/claim").replace("BEGIN", "BEGIN RAISE 'another one';", 1)
    ours = "SELECT prosrc !~ 'another' FROM pg_proc WHERE proname = 'backfill_claim'"
    await world.execute(other)
    assert await schema.apply(world.connection) == ["claim"]
    assert await world.value(ours)

    await world.execute(other)
    await world.execute("INSERT INTO backfill_schema (version, oldest_program) VALUES (998, $1)", schema.NEWEST)
    assert await schema.apply(world.connection) == []
    assert not await world.value(ours)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ledger/jobs/read", Job),
        ("ledger/jobs/try_lead", Job),
        ("ledger/jobs/active", Job),
        ("ledger/jobs/select", Job),
        ("ledger/jobs/roll_up", RolledUp),
        ("ledger/planning/unpublished", PlannedPartition),
        ("ledger/reconciling/lost", PlannedPartition),
        ("ledger/progress/read", Progress),
    ],
)
async def test_a_statement_gives_the_fields_of_what_is_made_of_its_rows(world: World, name: str, kind: Any) -> None:
    prepared = await world.connection.prepare(statements.read(name))
    given = [column.name for column in prepared.get_attributes()]
    if kind is Progress:  # it makes one field of four columns
        given = sorted({*given, "coverage"} - OF_COVERAGE)
    assert sorted(given) == sorted(one.name for one in fields(kind))


async def test_init_creates_what_is_missing_and_may_be_repeated(world: World) -> None:
    async with databases.new_database(world.database) as url:
        for expected in ("Applied: ledger", "The ledger has schema version"):
            command = world.run("backfill", "init", DATABASE_URL=url)
            assert await command.wait() == 0, command.output
            assert expected in command.output


async def test_the_arrows_in_the_database_are_those_of_the_code(world: World) -> None:
    for state in JobState:
        allowed = await world.value("SELECT backfill_allowed_states($1)", state.value)
        assert set(allowed) == {after.value for after in JOB_ARROWS[state]}


@pytest.mark.parametrize("before", JobState)
async def test_a_change_of_state_that_has_no_arrow_is_refused_even_by_hand(world: World, before: JobState) -> None:
    for after in JobState:
        job = await world.value(OPEN, f"{before}_{after}", before.value)
        change = (
            "UPDATE backfill_jobs SET state = $2, completed_at = CASE WHEN $2 IN ('completed', 'failed', 'cancelled') "
            "THEN clock_timestamp() END WHERE id = $1"
        )
        if after is before:
            continue
        if after in JOB_ARROWS[before]:
            await world.execute(change, job, after.value)
            event = (await world.fetch("SELECT * FROM backfill_events WHERE backfill_job_id = $1", job))[-1]
            assert (event["from_state"], event["to_state"]) == (before.value, after.value)
        else:
            with pytest.raises(asyncpg.CheckViolationError, match=f"is {before}: it cannot become {after}"):
                await world.execute(change, job, after.value)


async def test_a_state_goes_with_its_timestamps(world: World) -> None:
    job = await world.value(OPEN, "counter", "running")
    for change in ("state = 'completed'", "completed_at = clock_timestamp()", "started_at = NULL"):
        with pytest.raises(asyncpg.CheckViolationError):
            await world.execute(f"UPDATE backfill_jobs SET {change} WHERE id = $1", job)


@pytest.mark.parametrize("partition", ["pending", "running", "completed"])
@pytest.mark.parametrize("is_planned", [False, True])
async def test_a_job_that_is_not_done_cannot_be_called_completed(
    world: World, is_planned: bool, partition: str
) -> None:
    job = await world.value(OPEN, "counter", "running")
    if not is_planned:
        await world.execute("UPDATE backfill_jobs SET planned_at = NULL")
    await world.execute(
        "INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count, state,"
        " records_updated, lease_expires_at, completed_at) SELECT $1, '000000001', '{1,2,3}', 3, $2, 3,"
        " CASE WHEN $2 = 'running' THEN now() END, CASE WHEN $2 = 'completed' THEN now() END",
        job,
        partition,
    )
    change = "UPDATE backfill_jobs SET state = 'completed', completed_at = now()"
    if is_planned and partition == "completed":
        await world.execute(change)  # and what its row says is brought up to date
        (row,) = await world.fetch("SELECT completed_partitions, records_matched, records_updated FROM backfill_jobs")
        assert tuple(row) == (1, 3, 3)
        return
    why = "1 of its 1 partitions have not ended" if is_planned else "it is not planned to the end"
    with pytest.raises(asyncpg.CheckViolationError, match=f"is running: it cannot become completed, {why}"):
        await world.execute(change)


async def test_a_partition_that_has_ended_is_not_done_again(world: World) -> None:
    job = await world.value(OPEN, "counter", "running")
    await world.execute(
        "INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count, state,"
        " records_failed, completed_at) VALUES ($1, '000000001', '{1}', 1, 'failed', 1, now())",
        job,
    )
    with pytest.raises(asyncpg.CheckViolationError, match=f"cannot become pending; .* with: backfill retry {job}"):
        await world.execute("UPDATE backfill_partitions SET state = 'pending', completed_at = NULL")


async def test_events_are_never_changed_or_removed(world: World) -> None:
    await world.execute("SELECT 1")
    await world.value(OPEN, "counter", "running")
    for change in ("UPDATE backfill_events SET actor = 'nobody'", "DELETE FROM backfill_events"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await world.execute(change)
    assert await world.value("SELECT event FROM backfill_events") == "job.opened"


async def test_an_ended_partition_accounts_for_each_of_its_records(world: World) -> None:
    job = await world.value(OPEN, "counter", "running")
    insert = (
        "INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count, state, "
        "records_updated, records_failed, completed_at) VALUES ($1, $2, '{1,2,3}', 3, 'completed', $3, $4, now())"
    )
    await world.execute(insert, job, "000000001", 2, 1)
    for updated, failed in ((2, 0), (3, 1)):
        with pytest.raises(asyncpg.CheckViolationError, match="backfill_partitions_counts_check"):
            await world.execute(insert, job, "000000002", updated, failed)


async def test_a_lease_is_held_while_running_and_only_then(world: World) -> None:
    job = await world.value(OPEN, "counter", "running")
    insert = (
        "INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count, state, "
        "lease_expires_at) VALUES ($1, '000000001', '{1}', 1, $2, $3::timestamptz)"
    )
    with pytest.raises(asyncpg.CheckViolationError, match="backfill_partitions_lease_check"):
        await world.execute(insert, job, "running", None)


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("(,)", "(,)", True),
        ("(,10]", "[5,7]", True),
        ("[1,2]", "[2,3]", True),
        ("[1,2]", "[3,4]", False),
    ],
)
async def test_active_jobs_of_one_backfill_never_share_a_key(
    world: World, first: str, second: str, overlap: bool
) -> None:
    insert = (
        "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, key_range) "
        "VALUES ($1, 'null', 10, 'x', $2::text::numrange)"
    )
    await world.execute(insert, "counter", first)
    await world.execute(insert, "another", first)
    if overlap:
        with pytest.raises(asyncpg.ExclusionViolationError):
            await world.execute(insert, "counter", second)
        await world.execute("UPDATE backfill_jobs SET state = 'cancelled', completed_at = now()")
    await world.execute(insert, "counter", second)


@pytest.mark.parametrize("name", [name for name in NAMES if re.match(r"ledger/|catalog/|session/|schema/[a-z]", name)])
async def test_a_statement_can_be_prepared_on_the_real_schema(world: World, name: str) -> None:
    await world.connection.prepare(statements.read(name))


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("progress/")])
async def test_a_progress_query_runs_as_it_stands(world: World, name: str) -> None:
    await world.rows(10)
    await world.queue("--mode=null", "--batch-size=5")
    text = "\n".join(line for line in statements.read(name).splitlines() if not line.startswith("\\"))
    job = await world.job()
    await world.execute(re.sub(r":'?\"?\w+'?\"?", f"'{job}'", text) if ":'" in text else text)


PART = "target/unplanned_rows"  # of target/plan_span
TARGETS = [name for name in NAMES if name.startswith("target/") and "/grant_" not in name and name != PART]


def prepared(target: catalog.Target, name: str) -> str:
    """A template with what it needs besides; each numbers its own parameters."""
    names = spans.span_names(target, "asc", spans.Bounds("1", "2", False), ["1"])
    more = names | {"wait": "", "shown": "NULL"}
    if name.endswith("count_matching"):
        more["only"] = target.key.among("$3")
    if name.endswith("plan_span"):
        # With what it is made of for a sweep, which is made of what it is for a producer.
        more["rows"] = target.statement("span_rows", **more)
        more["rows"] = target.statement("unplanned_rows", **more)
    return target.statement(name.removeprefix("target/"), **more)


@pytest.mark.parametrize(
    ("definition", "mode"),
    list(itertools.product(["Counter", "Versioned", "Normalised", "ByCode"], Mode)),
)
async def test_every_template_can_be_prepared_for_a_definition(world: World, definition: str, mode: Mode) -> None:
    if mode is Mode.ZERO and definition in ("Normalised", "ByCode"):
        with pytest.raises(SchemaError, match="mode zero needs a number"):
            await catalog.resolve(world.connection, getattr(definitions, definition)(), mode)
        return
    target = await catalog.resolve(world.connection, getattr(definitions, definition)(), mode)
    for name in TARGETS:
        await world.connection.prepare(prepared(target, name))


async def test_names_that_need_quotes_are_quoted(world: World) -> None:
    await world.execute(
        'CREATE SCHEMA "My Schema"; CREATE TABLE "My Schema"."Order; DROP TABLE things" '
        '("Key ""1""" bigint PRIMARY KEY, "Value" integer)'
    )

    class Quoted(definitions.Counter):
        name = "quoted"
        table = '"My Schema"."Order; DROP TABLE things"'
        key = 'Key "1"'
        columns = ("Value",)

    target = await catalog.resolve(world.connection, Quoted(), Mode.NULL)
    for name in TARGETS:
        await world.connection.prepare(prepared(target, name))
    assert await world.value("SELECT to_regclass('things') IS NOT NULL")

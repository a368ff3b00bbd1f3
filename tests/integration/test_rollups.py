"""Counting adds what has ended since, exactly: whatever else is under way, and whoever ended it."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from backfill import statements
from backfill.database import Connection
from backfill.ledger import jobs, progress
from tests.support import databases
from tests.support.waiting import eventually
from tests.support.world import World

OUTCOMES: Final = ("updated", "unchanged", "skipped", "failed", "deleted")
FULL: Final = """
    SELECT count(*) AS total_partitions, count(*) FILTER (WHERE state = 'completed') AS completed_partitions,
           count(*) FILTER (WHERE state = 'failed') AS failed_partitions,
           count(*) FILTER (WHERE state = 'skipped') AS skipped_partitions,
           coalesce(sum(record_count), 0)::bigint AS records_matched,
           coalesce(sum(records_updated), 0)::bigint AS records_updated,
           coalesce(sum(records_unchanged), 0)::bigint AS records_unchanged,
           coalesce(sum(records_skipped), 0)::bigint AS records_skipped,
           coalesce(sum(records_failed), 0)::bigint AS records_failed,
           coalesce(sum(records_deleted), 0)::bigint AS records_deleted,
           coalesce(sum(calls_made), 0)::bigint AS calls_made,
           (SELECT max(partition_key) FROM backfill_partitions b WHERE b.partition_key < coalesce((
               SELECT min(partition_key) FROM backfill_partitions WHERE completed_at IS NULL), 'x'))
               AS checkpoint_partition_key
    FROM backfill_partitions
"""
ENDS: Final = """
    UPDATE backfill_partitions SET state = $2, completed_at = clock_timestamp(), lease_expires_at = NULL,
        records_updated = record_count - $3, records_unchanged = $3 - $4, records_skipped = $4,
        calls_made = calls_made + 3,
        skip_reasons = CASE WHEN $4 = 0 THEN '{}' ELSE jsonb_build_object('absent', $4) END,
        started_at = coalesce(started_at, clock_timestamp()), duration_ms = 20
    WHERE partition_key = ANY ($1::text[]) AND completed_at IS NULL
"""


async def a_job(world: World, partitions: int, *, first: int = 1) -> UUID:
    job: UUID = await world.value(
        "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, state, started_at, running_since, "
        "planned_at) VALUES ('counter', 'all', 10, 'x', 'running', now(), now(), now()) RETURNING id"
    )
    await planned(world.connection, job, first, partitions)
    return job


async def planned(connection: Connection, job: UUID, first: int, count: int) -> None:
    await connection.execute(
        "INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count) "
        "SELECT $1, lpad(n::text, 9, '0'), array_fill(n::text, ARRAY[10]), 10 FROM generate_series($2::int, $3) n",
        job,
        first,
        first + count - 1,
    )


async def ended(connection: Connection, keys: list[str], state: str = "completed", *counts: int) -> None:
    await connection.execute(ENDS, keys, state, *(counts or (0, 0)))


async def need_exact(world: World, job: UUID) -> None:
    """What is counted is what a count of all partitions gives, in each of its places."""
    told = await progress.read(world.connection, job)
    await jobs.roll_up(world.connection, job)
    full = dict((await world.fetch(FULL))[0])
    names = ", ".join(full)
    assert dict((await world.fetch(f"SELECT {names} FROM backfill_jobs"))[0]) == full
    assert {name: getattr(told, name) for name in full if name.endswith("_partitions")} == {
        name: value for name, value in full.items() if name.endswith("_partitions")
    }
    assert [getattr(told, name) for name in OUTCOMES] == [full[f"records_{name}"] for name in OUTCOMES]
    sums = ", ".join(f"sum({name})::bigint AS {name}" for name in ("partitions", "calls_made", *OUTCOMES))
    minutes = (await world.fetch(f"SELECT {sums} FROM backfill_minutes"))[0]
    of_ended = "SELECT coalesce(sum({}), 0)::bigint FROM backfill_partitions WHERE completed_at IS NOT NULL"
    assert (minutes["partitions"] or 0) == full["total_partitions"] - await world.value(
        "SELECT count(*) FROM backfill_partitions WHERE completed_at IS NULL"
    )
    assert (minutes["calls_made"] or 0) == await world.value(of_ended.format("calls_made"))
    for name in OUTCOMES:
        assert (minutes[name] or 0) == await world.value(of_ended.format(f"records_{name}")), name
    bins = "SELECT bin, completed + failed + skipped AS n FROM backfill_bins ORDER BY 1"
    by_key = (
        "SELECT partition_key::bigint / 500 AS bin, count(*) AS n FROM backfill_partitions "
        "WHERE completed_at IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in await world.fetch(bins)] == [tuple(row) for row in await world.fetch(by_key)]


async def test_whatever_ends_while_it_counts_is_counted_once(world: World) -> None:
    """Several sessions end partitions in transactions that stay open for a while, and some of which are undone."""
    dice = random.Random(11)
    job = await a_job(world, 600)
    keys = [f"{number:09}" for number in range(1, 601)]
    dice.shuffle(keys)
    shares = [keys[number::4] for number in range(4)]
    is_over = asyncio.Event()

    async def works(share: list[str]) -> None:
        async with world.session() as session:
            await session.execute("SELECT set_config('app.current_tenant', 'default', false)")
            while share:
                several = [share.pop() for _ in range(min(len(share), dice.randint(1, 6)))]
                transaction = session.transaction()
                await transaction.start()
                for key in several:
                    state, counts = dice.choice((("completed", (3, 1)), ("completed", (0, 0)), ("skipped", (10, 10))))
                    await ended(session, [key], state, *counts)
                    await session.fetchval("SELECT pg_sleep($1)", dice.random() / 200)
                if dice.random() < 0.2:
                    share += several
                    await transaction.rollback()
                else:
                    await transaction.commit()

    async def counts() -> None:
        async with world.session() as session:
            await session.execute("SELECT set_config('app.current_tenant', 'default', false)")
            seen = 0
            while not is_over.is_set():
                rolled = await jobs.roll_up(session, job)
                assert rolled is not None
                now = await progress.read(session, job)
                assert seen <= rolled.ended_partitions <= now.completed_partitions + now.skipped_partitions
                seen = rolled.ended_partitions

    counting = [asyncio.create_task(counts()) for _ in range(2)]
    try:
        await asyncio.gather(*(works(share) for share in shares))
    finally:
        is_over.set()
        await asyncio.gather(*counting)
    await need_exact(world, job)
    assert await world.value("SELECT completed_partitions + skipped_partitions FROM backfill_jobs") == 600


async def test_a_transaction_that_is_open_for_long_is_counted_when_it_ends(world: World) -> None:
    job = await a_job(world, 20)
    async with world.session() as session:
        await session.execute("SELECT set_config('app.current_tenant', 'default', false)")
        transaction = session.transaction()
        await transaction.start()
        await ended(session, ["000000003"])
        for number in (1, 2, 4):
            await ended(world.connection, [f"{number:09}"], "skipped", 10, 10)
            await need_exact(world, job)
        await transaction.commit()
    now = await progress.read(world.connection, job)
    assert (now.completed_partitions, now.skipped_partitions, now.skip_reasons) == (1, 3, {"absent": 30})
    await need_exact(world, job)
    await need_exact(world, job)


async def test_what_is_planned_later_is_counted(world: World) -> None:
    job = await a_job(world, 5)
    await need_exact(world, job)
    async with world.session() as session:
        await session.execute("SELECT set_config('app.current_tenant', 'default', false)")
        transaction = session.transaction()
        await transaction.start()
        await planned(session, job, 6, 5)
        assert (await progress.read(world.connection, job)).total_partitions == 5
        await transaction.commit()
    now = await progress.read(world.connection, job)
    assert (now.total_partitions, now.matched) == (10, 100)
    await need_exact(world, job)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE backfill_partitions SET calls_made = calls_made + 7 WHERE partition_key = '000000002'",
        "UPDATE backfill_partitions SET records_updated = 2, records_failed = 4 WHERE partition_key = '000000002'",
        "DELETE FROM backfill_partitions WHERE partition_key IN ('000000002', '000000004')",
        "UPDATE backfill_partitions SET completed_at = now() - interval '2 hours' WHERE partition_key = '000000002'",
        "UPDATE backfill_partitions SET records_updated = 3, started_at = now() WHERE partition_key = '000000005'",
        "UPDATE backfill_rollups SET snapshot = NULL",
        "DELETE FROM backfill_rollups",
        # A ledger that was restored from another cluster, whose transactions were further on.
        "UPDATE backfill_partitions SET ended_xid = '999999999999' WHERE completed_at IS NOT NULL; "
        "UPDATE backfill_rollups SET cluster = 1, snapshot = '999999999990:999999999990:'",
        # Of this cluster, from before an older copy of it was restored.
        "UPDATE backfill_rollups SET snapshot = '999999999990:999999999990:'; UPDATE backfill_partitions "
        "SET state = 'completed', completed_at = now(), records_updated = 10 WHERE partition_key = '000000004'",
    ],
)
async def test_what_was_counted_and_changes_is_counted_anew(world: World, change: str) -> None:
    job = await a_job(world, 5)
    await ended(world.connection, ["000000001", "000000002"], "completed", 4, 2)
    await need_exact(world, job)
    await world.execute(change)
    await need_exact(world, job)
    await ended(world.connection, ["000000003"])
    await need_exact(world, job)


async def test_calls_that_are_told_late_are_added_without_counting_anew(world: World) -> None:
    job = await a_job(world, 5)
    await ended(world.connection, ["000000001", "000000002"], "completed", 4, 2)
    await need_exact(world, job)
    await ended(world.connection, ["000000003"])
    await world.execute(
        "UPDATE backfill_partitions SET calls_made = calls_made + 7, calls_refused = 1 WHERE completed_at IS NOT NULL"
    )
    assert await world.value("SELECT snapshot IS NOT NULL FROM backfill_rollups")
    await need_exact(world, job)
    assert (await progress.read(world.connection, job)).calls_refused == 3
    assert await world.value("SELECT calls_refused FROM backfill_jobs") == 3


@pytest.mark.parametrize(
    "change",
    ["UPDATE backfill_partitions SET records_updated = 9, records_unchanged = 1", "DELETE FROM backfill_partitions"],
)
async def test_many_partitions_that_are_changed_at_once_cost_one_change_of_the_counts(
    world: World, change: str
) -> None:
    job = await a_job(world, 300)
    await ended(world.connection, [f"{number:09}" for number in range(1, 301)])
    await need_exact(world, job)
    updated = "SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'backfill_rollups'"
    async with world.connection.transaction():
        before = await world.value(updated)
        await world.execute(change)
        assert await world.value(updated) - before == 1
    await need_exact(world, job)


async def test_what_a_trigger_of_somebody_s_removes_is_counted_anew(world: World) -> None:
    job = await a_job(world, 5)
    await ended(world.connection, ["000000001", "000000002"])
    await need_exact(world, job)
    await world.execute(
        "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM backfill_partitions "
        "WHERE partition_key = '000000001'; RETURN NULL; END $$;"
        "CREATE TRIGGER tidy AFTER UPDATE ON things FOR EACH STATEMENT EXECUTE FUNCTION tidy()"
    )
    await world.execute("UPDATE things SET value = 1")
    await need_exact(world, job)


async def test_a_partition_that_ends_while_a_job_is_counted_is_in_its_row(world: World) -> None:
    """Between counting what has ended and what has begun: else the row's counts went back for a moment."""
    job = await a_job(world, 2)
    await world.execute(
        "UPDATE backfill_partitions SET started_at = now(), records_updated = 4 WHERE partition_key = '000000001'"
    )
    await world.execute(
        "CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(77); "
        "RETURN NULL; END $$; CREATE TRIGGER waits AFTER UPDATE ON backfill_rollups EXECUTE FUNCTION waits()"
    )
    async with world.session() as session, world.session() as other:
        await session.execute("SELECT set_config('app.current_tenant', 'default', false)")
        await session.execute("SELECT pg_advisory_lock(77)")
        counting = asyncio.create_task(jobs.roll_up(other, job))
        await eventually(lambda: world.value("SELECT count(*) = 1 FROM pg_locks WHERE objid = 77 AND NOT granted"))
        await ended(session, ["000000001"])
        await session.execute("SELECT pg_advisory_unlock(77)")
        assert await counting
    assert await world.value("SELECT records_updated FROM backfill_jobs") == 10
    assert await world.value("SELECT completed_partitions FROM backfill_jobs") == 1
    await need_exact(world, job)


async def test_a_count_need_not_survive_a_crash_unless_it_is_part_of_something(world: World) -> None:
    job = await a_job(world, 2)
    await world.execute(
        "CREATE TABLE commits (n serial, setting text); CREATE FUNCTION notes() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN INSERT INTO commits (setting) VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$; "
        "CREATE TRIGGER notes AFTER UPDATE ON backfill_rollups EXECUTE FUNCTION notes()"
    )
    await jobs.roll_up(world.connection, job)
    async with world.connection.transaction():
        await jobs.roll_up(world.connection, job)
    assert await world.value("SELECT array_agg(setting ORDER BY n) FROM commits") == ["off", "on"]


async def test_a_server_that_does_not_say_which_cluster_it_is_counts_all_the_same(world: World) -> None:
    job = await a_job(world, 5)
    await world.execute("CREATE ROLE guest; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC; SET ROLE guest")
    try:
        assert await world.value("SELECT backfill_cluster()") is None
    finally:
        await world.execute("RESET ROLE; DROP ROLE guest")
    await ended(world.connection, ["000000001"])
    await need_exact(world, job)
    await world.execute("UPDATE backfill_rollups SET cluster = NULL")
    await ended(world.connection, ["000000002"])
    assert await world.value("SELECT backfill_is_counted(snapshot, cluster) FROM backfill_rollups")
    await need_exact(world, job)


async def test_counting_anew_comes_to_the_same(world: World) -> None:
    job = await a_job(world, 8)
    await ended(world.connection, [f"{number:09}" for number in range(1, 6)], "completed", 4, 2)
    await need_exact(world, job)
    before = await tables(world)
    await jobs.roll_up(world.connection, job, anew=True)
    assert await tables(world) == before
    await need_exact(world, job)


async def test_counting_and_looking_read_what_has_ended_since_not_what_a_job_has(world: World) -> None:
    """Else this would be 5,000 pages."""
    job = await a_job(world, 30_000)
    await ended(world.connection, [f"{number:09}" for number in range(1, 10_001)])
    await jobs.roll_up(world.connection, job)
    await world.execute("ANALYZE backfill_partitions")
    for first in (10_001, 10_101):
        await ended(world.connection, [f"{number:09}" for number in range(first, first + 100)])
        for name, arguments in (
            ("ledger/progress/read", (job, 60.0)),
            ("ledger/progress/workers", ("counter", job)),
            ("ledger/jobs/roll_up", (job, False, True)),
            ("ledger/jobs/claimable", (["counter"],)),
        ):
            plan = "\n".join(
                row[0]
                for row in await world.fetch(
                    f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {statements.read(name)}", *arguments
                )
            )
            pages = sum(map(int, re.findall(r" (?:hit|read)=(\d+)", plan.partition("\n")[2].splitlines()[0])))
            assert pages < 1_500, f"{name}\n{plan}"
            assert "Seq Scan on backfill_partitions" not in plan, f"{name}\n{plan}"


async def tables(world: World) -> dict[str, list[Any]]:
    names = ("backfill_minutes", "backfill_bins", "backfill_worker_counts")
    found = {name: [dict(row) for row in await world.fetch(f"TABLE {name}")] for name in names}
    columns = "partitions, records, completed, failed, skipped, records_updated, skip_reasons, first_started_at"
    return found | {"rollups": [dict(row) for row in await world.fetch(f"SELECT {columns} FROM backfill_rollups")]}


async def test_what_a_transaction_that_counts_has_ended_itself_is_counted_once(world: World) -> None:
    job = await a_job(world, 4)
    async with world.connection.transaction():
        await ended(world.connection, ["000000001"])
        await jobs.roll_up(world.connection, job)
        await ended(world.connection, ["000000002"])
    await need_exact(world, job)


async def test_what_is_done_in_part_is_shown(world: World) -> None:
    job = await a_job(world, 4)
    await world.execute(
        "UPDATE backfill_partitions SET started_at = now(), records_updated = 4, records_skipped = 1, "
        """skip_reasons = '{"absent": 1}' WHERE partition_key = '000000002'"""
    )
    await need_exact(world, job)
    assert (await progress.read(world.connection, job)).skip_reasons == {"absent": 1}


async def test_a_job_that_is_deleted_takes_its_counts_with_it(world: World) -> None:
    job = await a_job(world, 4)
    await ended(world.connection, ["000000001"])
    await jobs.roll_up(world.connection, job)
    await world.execute("UPDATE backfill_jobs SET state = 'cancelled', completed_at = now()")
    await world.execute("DELETE FROM backfill_jobs")
    for name in ("partitions", "rollups", "minutes", "bins", "worker_counts"):
        assert await world.value(f"SELECT count(*) FROM backfill_{name}") == 0, name


@asynccontextmanager
async def older_ledger(world: World) -> AsyncIterator[tuple[str, Connection]]:
    """The ledger of the version before, in a database of its own."""
    async with databases.new_database(world.database) as url:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(url, server_settings={"app.current_tenant": "acme"})
        try:
            await connection.execute(statements.read("schema/versions"))
            for path in sorted((statements.FOLDER / "schema").glob("0[0-9][0-9]_*.sql")):
                if path.stem == "016_rollups":
                    break
                await connection.execute(path.read_text())
            yield url, connection
        finally:
            await connection.close()


async def test_a_job_from_before_the_ledger_counted_so_is_counted_once(world: World) -> None:
    """Also of another tenant than the one that upgrades."""
    async with older_ledger(world) as (_, connection):
        job = await connection.fetchval(
            "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash) "
            "VALUES ('counter', 'all', 10, 'x') RETURNING id"
        )
        await planned(connection, job, 1, 4)
        await ended(connection, ["000000001", "000000002"])
        for name in ("016_rollups", "018_counting"):
            await connection.execute(statements.read(f"schema/{name}"))
        for name in ("ended", "planned", "count_ended", "forget_counts", "roll_up"):
            await connection.execute(statements.read(f"functions/{name}"))
        now = await progress.read(connection, job)
        assert (now.total_partitions, now.completed_partitions, now.updated) == (4, 2, 20)
        await planned(connection, job, 5, 1)
        for _ in range(2):
            rolled = await jobs.roll_up(connection, job)
            assert rolled is not None
            assert (rolled.total, rolled.ended_partitions) == (5, 2)
        await ended(connection, ["000000003"])
        assert (await progress.read(connection, job)).updated == 30


READS: Final = "SELECT FROM {}"
WRITES: Final = "UPDATE {} SET error_message = error_message"
BUSY: Final = "SELECT wait_event_type IN ('Lock', 'Timeout') FROM pg_stat_activity WHERE pid = $1"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (READS.format("backfill_jobs"), READS.format("backfill_partitions")),
        (READS.format("backfill_workers"), READS.format("backfill_partitions")),
        (WRITES.format("backfill_jobs"), WRITES.format("backfill_partitions")),
        (WRITES.format("backfill_partitions"), WRITES.format("backfill_jobs")),
    ],
)
async def test_a_ledger_is_brought_up_to_date_beside_whoever_is_at_it(world: World, first: str, then: str) -> None:
    """In whatever order they take its tables, as `status --watch` and workers do."""
    async with older_ledger(world) as (url, connection):
        program = await asyncpg.connect(url, server_settings={"app.current_tenant": "acme"})
        try:
            transaction = program.transaction()
            await transaction.start()
            await program.execute(first)
            pid = connection.get_server_pid()
            update = asyncio.create_task(connection.execute(statements.read("schema/016_rollups")))

            async def is_on() -> bool:
                return update.done() or bool(await world.value(BUSY, pid))

            await eventually(is_on, what="an update that waits or is over")
            await program.execute(then)
            await transaction.commit()
            await asyncio.wait_for(update, 20)
        finally:
            await program.close()

"""Planning: every matching record is in exactly one partition, in order, and none that does not match."""

import asyncio
import random
import signal
from uuid import uuid4

import pytest

from backfill.catalog import resolve
from backfill.errors import ConflictError
from backfill.ledger import jobs, planning, spans
from backfill.ledger.jobs import Request
from backfill.modes import Mode, Priority
from tests.support.definitions import Counter
from tests.support.waiting import eventually
from tests.support.world import World


async def planned(
    world: World, *, mode: Mode, order: str, batch_size: int, page_size: int, rows: int
) -> list[list[int]]:
    """Plan a job as a producer does, page by page; the record ids by partition."""
    connection = world.connection
    definition = Counter()
    target = await resolve(connection, definition, mode)
    lower, upper = await spans.key_bounds(connection, target)
    assert lower
    assert upper
    request = Request(mode, Priority.NORMAL, order, batch_size, None, (), None, None)
    producer = uuid4()
    job = await jobs.read(
        connection,
        await jobs.open_job(
            connection,
            request,
            backfill=definition.name,
            definition_hash=definition.fingerprint(),
            parameters={},
            upper_key=upper,
            key_range=(None, None),
            scope=None,
            producer=producer,
            max_jobs=10,
            actor="test",
        ),
    )
    cursor, number = None, 1
    while page := await planning.plan_page(
        connection,
        target,
        job,
        producer=producer,
        cursor=cursor,
        bounds=spans.between(order, lower, upper, None),
        rows=rows,
        most=page_size,
        next_number=number,
        ids=None,
    ):
        cursor, number = page.edge, number + len(page.partitions)
    made = await world.fetch("SELECT record_ids, record_count FROM backfill_partitions ORDER BY partition_key")
    assert all(row["record_count"] == len(row["record_ids"]) for row in made)
    return [[int(record) for record in row["record_ids"]] for row in made]


@pytest.mark.parametrize("seed", range(12))
async def test_partitions_are_disjoint_sorted_and_complete(world: World, seed: int) -> None:
    chance = random.Random(seed)
    keys = chance.sample(range(-(10**12), 10**12), chance.randint(1, 300))
    values = {key: chance.choice([None, 0, 5]) for key in keys}
    await world.connection.executemany("INSERT INTO things (id, value) VALUES ($1, $2)", list(values.items()))
    mode = chance.choice(list(Mode))
    order = chance.choice(["asc", "desc"])
    batch_size, pages = chance.randint(1, 60), chance.randint(1, 4)

    page_size = batch_size * pages
    # A span may read fewer rows than a page takes records, as many, or more.
    rows = chance.choice([page_size, page_size, page_size * 3, 7])
    partitions = await planned(world, mode=mode, order=order, batch_size=batch_size, page_size=page_size, rows=rows)

    matching = {
        Mode.NULL: [key for key, value in values.items() if value is None],
        Mode.ZERO: [key for key, value in values.items() if value == 0],
        Mode.ALL: keys,
    }[mode]
    assert [key for partition in partitions for key in partition] == sorted(matching, reverse=order == "desc")
    if rows == page_size and mode is Mode.ALL:
        assert all(len(partition) == batch_size for partition in partitions[:-1])
    assert all(0 < len(partition) <= batch_size for partition in partitions)


async def test_records_inserted_above_the_upper_key_belong_to_the_application(world: World) -> None:
    await world.rows(10)
    async with world.session() as session:
        producer = world.producer("--mode=null", "--batch-size=1", failpoint="producer.after_open=stop")
        await world.until_stopped(producer)
        await session.execute("INSERT INTO things (id) SELECT generate_series(100, 120)")
        producer.kill(signal.SIGCONT)
        assert await producer.wait() == 0, producer.output
    await world.finish()
    assert await world.value("SELECT records_matched FROM backfill_jobs") == 10
    assert await world.value("SELECT count(*) FROM things WHERE value IS NULL") == 21
    await world.ends_well()


async def test_a_producer_does_not_take_again_what_it_gave_back(world: World) -> None:
    """A sign of life under way when it leaves would keep the closing sweep's partitions from being published."""
    await world.rows(10)
    job, producer = await world.queue("--mode=null"), uuid4()
    await jobs.lead(world.connection, job, producer)
    await jobs.renew_lead(world.connection, job, producer)
    await planning.leave(world.connection, job, producer)
    with pytest.raises(ConflictError, match="was being planned by another producer a moment ago"):
        await jobs.renew_lead(world.connection, job, producer)
    assert await world.value("SELECT producer_lease_until FROM backfill_jobs") is None


async def test_the_cursor_and_the_partitions_move_together_or_not_at_all(world: World) -> None:
    await world.rows(10)
    connection = world.connection
    target = await resolve(connection, Counter(), Mode.NULL)
    job = await jobs.read(connection, await world.queue("--mode=null", "--batch-size=5", "--limit=5"))
    before = await world.fetch("SELECT partition_key FROM backfill_partitions")
    with pytest.raises(ConflictError, match="was taken over by another producer, or ended"):
        await planning.plan_page(
            connection,
            target,
            job,
            producer=uuid4(),
            cursor=job.cursor_key,
            bounds=spans.between("asc", "1", "10", None),
            rows=5,
            most=5,
            next_number=2,
            ids=None,
        )
    assert await world.fetch("SELECT partition_key FROM backfill_partitions") == before


async def test_a_job_that_is_deleted_while_a_page_of_it_is_planned_ends_its_producer_in_order(world: World) -> None:
    await world.rows(10)
    target = await resolve(world.connection, Counter(), Mode.NULL)
    job = await jobs.read(world.connection, await world.queue("--mode=null", "--batch-size=5", "--limit=5"))
    producer = await world.value("SELECT producer_id FROM backfill_jobs")
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("DELETE FROM backfill_jobs")
        page = planning.plan_page(
            world.connection,
            target,
            job,
            producer=producer,
            cursor=job.cursor_key,
            bounds=spans.between("asc", "1", "10", None),
            rows=5,
            most=5,
            next_number=2,
            ids=None,
        )
        planned = asyncio.ensure_future(page)
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = $1)"
        await eventually(lambda: session.fetchval(waiting, world.connection.get_server_pid()))
        await transaction.commit()
        with pytest.raises(ConflictError, match="was taken over by another producer, or ended"):
            await planned


async def test_reading_pages_never_scans_what_was_read(world: World) -> None:
    await world.rows(20_000, value=1)
    await world.execute("ANALYZE things")
    target = await resolve(world.connection, Counter(), Mode.ALL)
    names = spans.span_names(target, "asc", spans.Bounds("15000", "20000", False), None)
    plan = await world.fetch(f"EXPLAIN {target.statement('span_rows', **names)}", "15000", "20000", 100, None)
    text = "\n".join(row[0] for row in plan)
    assert "Index" in text
    assert "Index Cond" in text


@pytest.mark.parametrize("statement", ["inputs", "read_versions"])
async def test_keys_are_read_from_their_literal_once_and_not_for_each_row_that_is_filtered(
    world: World, statement: str
) -> None:
    target = await resolve(world.connection, Counter(), Mode.ALL)
    await world.execute(
        "SET enable_indexscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan"
    )
    text = "\n".join(row[0] for row in await world.fetch(f"EXPLAIN {getattr(target, statement)}", "{1,2,3}"))
    assert "Seq Scan on things" in text
    filtered = next(line for line in text.splitlines() if "(id = ANY" in line)
    assert "::" not in filtered, text


async def test_an_index_that_is_partial_or_of_two_columns_does_not_make_a_key(world: World) -> None:
    await world.execute(
        "ALTER TABLE things DROP CONSTRAINT things_pkey; CREATE UNIQUE INDEX ON things (id, base); "
        "CREATE UNIQUE INDEX ON things (id) WHERE base = 0"
    )
    command = world.producer("--mode=all")
    assert await command.wait() == 6
    assert "no unique index on the key id" in command.output

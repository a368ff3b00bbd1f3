"""A PostgreSQL with a streaming standby: the primary dies, or only reads, the standby takes over, the job goes on."""

import asyncio
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from backfill.services import Services
from tests.conftest import environment
from tests.support import databases
from tests.support.broker import with_path
from tests.support.commands import Command
from tests.support.definitions import GATE
from tests.support.operating import ask, completed, working
from tests.support.standby import Pair, new_pair
from tests.support.waiting import eventually
from tests.support.world import APPLICATION, AT_LOCKS, LASTING, PATIENT, World, new_world

pytestmark = pytest.mark.long

STREAMING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
BLAMED = "SELECT partition_key FROM backfill_partitions WHERE attempt_count > 1 OR interruptions > 0"
IN_HAND = "SELECT count(*) > 0 FROM backfill_partitions WHERE state = 'running'"
IN_SYNC = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"


@pytest.fixture(scope="module")
def servers(services_folder: Path) -> Iterator[Pair]:
    made = new_pair(services_folder)
    yield made
    made.delete()


@pytest.fixture
async def replicated(
    servers: Pair, services: Services, vhost: str, spawn: Callable[..., Command], tmp_path: Path
) -> AsyncIterator[World]:
    """A world on a primary with a standby, to which every change comes before it is answered."""
    name = f"test_{secrets.token_hex(6)}"
    await databases.execute(servers.primary.url, f"CREATE DATABASE {name}")
    database = with_path(servers.primary.url, name)
    await databases.apply_ledger(database)
    await asyncio.to_thread(servers.standby.follow, servers.primary)
    url = servers.url(database)
    async with new_world(url, vhost, environment(url, vhost, services.management_url, tmp_path), spawn) as made:
        await servers.synchronous(on=True)
        await eventually(lambda: made.value(IN_SYNC), what="a synchronous standby")
        yield made
    # Whichever takes writes by now, and has nobody to wait for.
    servers.standby.kill9()
    servers.primary.start()
    await servers.synchronous(on=False)
    await databases.execute(servers.primary.url, f"DROP DATABASE {name} WITH (FORCE)")


def known_to(world: World, pair: Pair) -> str:
    """The URL of the world's database on the standby."""
    return with_path(pair.standby.url, urlsplit(world.database).path[1:])


async def reconnect(world: World) -> None:
    """The application's connection again, to the server that takes writes now."""
    world.connection.terminate()
    world.connection = await asyncpg.connect(
        world.database, timeout=10, server_settings={"application_name": APPLICATION}
    )


async def fail_over(world: World, pair: Pair) -> None:
    await asyncio.to_thread(pair.fail_over)
    await reconnect(world)


async def under_way(world: World, rows: int, pause_ms: int) -> None:
    """A job whose workers rest after each partition, so that what is done to them meets it in its middle."""
    await world.rows(rows)
    await world.queue("--mode=all", "--batch-size=5")
    await world.execute("UPDATE backfill_jobs SET pause_ms = $1", pause_ms)


async def test_workers_go_on_with_the_standby_once_it_is_promoted(replicated: World, servers: Pair) -> None:
    world = replicated
    world.definition = "Gated"
    await world.rows(400)
    await world.queue("--mode=all", "--batch-size=5")
    patient = PATIENT | AT_LOCKS
    workers = [world.worker("--concurrency=2", **patient) for _ in range(2)]
    await completed(world, 6)
    async with world.session() as gate:
        await gate.execute("SELECT pg_advisory_lock($1)", GATE)
        in_hand = "SELECT count(*) = 4 FROM backfill_partitions WHERE state = 'running'"
        await eventually(
            lambda: databases.value(known_to(world, servers), in_hand), what="claims that the standby knows of"
        )
        before = await world.value("SELECT count(*) FROM audit")
        await asyncio.to_thread(servers.fail_over)
        gate.terminate()
    await reconnect(world)
    assert 30 <= before <= await world.value("SELECT count(*) FROM audit"), "what was answered is there"
    # The old primary comes back and only reads. New processes still ask it first.
    await asyncio.to_thread(servers.standby.follow, servers.primary)
    workers.append(world.worker("--concurrency=2", **patient))
    await world.until_ended()
    for worker in workers:
        await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 400
    assert not await world.fetch(BLAMED), "what a failover interrupts is nobody's doing"
    await world.finish()
    await world.ends_well()


async def test_a_primary_that_falls_silent_is_left_for_its_standby(replicated: World, servers: Pair) -> None:
    world = replicated
    await world.rows(100)
    await world.queue("--mode=all", "--batch-size=5")
    # Long enough for a machine that stands still for a moment: a statement that was cut off would be an attempt.
    timeouts = {"DATABASE_URL": f"{world.database}&connect_timeout=2", "BACKFILL_STATEMENT_TIMEOUT_MS": "5000"}
    worker = world.worker("--concurrency=2", failpoint="worker.after_compute=stop@4", **PATIENT | timeouts)
    await world.until_stopped(worker)  # with a partition in hand, and others done
    await eventually(lambda: databases.value(known_to(world, servers), IN_HAND), what="a claim on the standby")
    servers.primary.freeze()
    await asyncio.to_thread(servers.promote)
    world.connection.terminate()
    url = with_path(servers.primary.url, urlsplit(world.database).path[1:])
    world.connection = await asyncpg.connect(url, timeout=10, server_settings={"application_name": APPLICATION})
    worker.kill(signal.SIGCONT)
    await world.until_ended()
    await asyncio.to_thread(servers.standby.kill9)  # it must not come back as it was
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    assert not await world.fetch(BLAMED), "what a failover interrupts is nobody's doing"
    await world.finish()
    await world.ends_well()


async def test_a_producer_is_resumed_on_the_promoted_standby(replicated: World, servers: Pair) -> None:
    world = replicated
    await world.rows(100)
    producer = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=stop")
    await world.until_stopped(producer)
    await fail_over(world, servers)
    producer.kill(signal.SIGCONT)
    assert await producer.wait() == 5, producer.output
    job = await world.job()
    assert f"go on with backfill-queue --resume {job}" in producer.output
    resumed = world.producer("--resume", str(job))
    assert await resumed.wait() == 0, resumed.output

    planned = await world.fetch("SELECT unnest(record_ids)::int AS id FROM backfill_partitions ORDER BY id")
    assert [row["id"] for row in planned] == list(range(1, 101))
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()


async def test_what_never_came_to_the_standby_is_done_again(replicated: World, servers: Pair) -> None:
    world = replicated
    await under_way(world, 100, pause_ms=10_000)  # the rest is not done before the standby is cut off
    worker = world.worker("--concurrency=2", **PATIENT)
    await completed(world, 2)
    await servers.synchronous(on=False)
    await servers.cut_off()
    await eventually(lambda: world.value(f"SELECT ({STREAMING}) = 0"), what="a standby that is cut off")
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
    await world.until_ended()
    await world.drain(worker)
    unknown = await world.queue("--mode=all", "--batch-size=50")
    await fail_over(world, servers)
    await world.let_leases_end(worker.pid)  # of what it had in hand at the moment of which the standby knows

    # Values and progress are those of one moment. Of the later job only its messages are left.
    done = await world.value("SELECT count(*) FROM things WHERE value = 1")
    assert 10 <= done < 100
    assert await world.value("SELECT sum(records_updated) FROM backfill_partitions") == done
    assert await world.value("SELECT count(*) FROM backfill_jobs WHERE id = $1", unknown) == 0
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
    await world.finish(**LASTING)
    assert world.said.count(f"To the dead queue: unknown job {unknown}") == 2
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well(undecodable=2)


async def test_partitions_that_the_standby_never_heard_of_are_planned_again(replicated: World, servers: Pair) -> None:
    world = replicated
    await servers.synchronous(on=False)
    await world.rows(100)
    producer = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=stop")
    await world.until_stopped(producer)
    planned = await world.value("SELECT count(*) FROM backfill_partitions")
    known = f"SELECT count(*) = {planned} FROM backfill_partitions"
    await eventually(lambda: databases.value(known_to(world, servers), known), what="the first page on the standby")
    await servers.cut_off()
    await eventually(lambda: world.value(f"SELECT ({STREAMING}) = 0"), what="a standby that is cut off")
    producer.kill(signal.SIGCONT)
    assert await producer.wait() == 0, producer.output
    await fail_over(world, servers)

    worker = world.worker(**PATIENT, **LASTING)
    buried = "To the dead queue: unknown partition"
    await eventually(lambda: worker.output.count(buried) == 50 - planned, what="messages without a partition")
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp()")
    resumed = world.producer("--resume=latest")
    assert await resumed.wait() == 0, resumed.output
    await world.until_ended()
    await world.drain(worker)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    assert len(await world.dead()) == 50 - planned
    await world.purge(world.topology.dead_queue)  # their partitions exist by now
    await world.finish()
    await world.ends_well()


async def test_a_primary_that_is_made_a_standby_is_waited_for(replicated: World, servers: Pair) -> None:
    world = replicated
    await servers.synchronous(on=False)
    await under_way(world, 200, pause_ms=500)
    only = with_path(servers.primary.url, urlsplit(world.database).path[1:])
    worker = world.worker("--concurrency=2", DATABASE_URL=only, **PATIENT)
    await completed(world, 2)
    await asyncio.to_thread(servers.primary.only_read)
    # What waits says it, unless it began while the server was down; then who renews the leases does.
    await eventually(lambda: " is read-only (" in worker.output, what="a worker that says so")
    await asyncio.to_thread(servers.primary.promote)
    await reconnect(world)
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 200
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    await world.finish()
    await world.ends_well()


async def test_a_host_that_gives_no_answer_is_passed_over(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system connects, and nobody reads
        host, query = f"127.0.0.1:{silent.getsockname()[1]}", "?target_session_attrs=read-write&connect_timeout=2"
        several = world.database.replace("@", f"@{host},") + query
        answer = await ask(world, "list", DATABASE_URL=several)
        assert (answer.code, answer.out) == (0, "No jobs.\n"), answer
        await world.rows(20)
        await world.queue("--mode=all", "--batch-size=5")
        async with working(world, concurrency=2, DATABASE_URL=several):
            await world.until_ended()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.ends_well()

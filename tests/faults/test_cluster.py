"""A RabbitMQ cluster of three nodes loses one, and then another."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from backfill import broker
from backfill.services import install
from tests.conftest import environment
from tests.support.cluster import Cluster, Node
from tests.support.commands import Command
from tests.support.waiting import eventually
from tests.support.world import AT_LOCKS, PATIENT, World, new_world

pytestmark = pytest.mark.long


@pytest.fixture
async def cluster(services_folder: Path) -> AsyncIterator[Cluster]:
    """Three nodes that know each other."""
    install.ensure("rabbitmq")
    made = Cluster(services_folder / f"cluster-{secrets.token_hex(4)}")
    try:
        await asyncio.to_thread(made.start)
        await eventually(lambda: all(one.answers() for one in made.nodes), deadline=60, interval=0.5)
        first, *others = made.nodes
        async with broker.connected(first.url, name="test", heartbeat=10) as connection:
            channel = await connection.channel()
            await channel.declare_queue("shared", durable=True)
        for one in others:
            async with broker.connected(one.url, name="test", heartbeat=10) as connection:
                assert await broker.depth(connection, "shared") == 0, "they are three servers, not a cluster"
        yield made
    finally:
        await asyncio.to_thread(made.end)


@pytest.fixture
async def clustered(
    cluster: Cluster, database: str, spawn: Callable[..., Command], tmp_path: Path
) -> AsyncIterator[World]:
    """A world whose RABBITMQ_URL names all nodes."""
    async with new_world(database, cluster.url, environment(database, cluster.url, None, tmp_path), spawn) as made:
        yield made


@pytest.mark.timeout(600)
async def test_commands_go_on_with_the_nodes_that_are_left_and_wait_while_these_are_too_few(
    clustered: World, cluster: Cluster
) -> None:
    world = clustered
    world.definition = "Gated"
    await world.rows(120)
    workers = [world.worker("--concurrency=2", **PATIENT, **AT_LOCKS) for _ in range(2)]
    first, second, _ = cluster.nodes

    await lose(world, first, workers)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 120
    await lose(world, second, workers, back=True)  # one of three is no majority
    await lose(world, second, workers, back=True, is_theirs=False)  # they are connected to the third now
    for worker in workers:
        await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 3") == 120
    await world.finish()
    await world.ends_well()


async def lose(world: World, node: Node, workers: list[Command], *, back: bool = False, is_theirs: bool = True) -> None:
    """Kill the node, which all are connected to, while a job is queued and worked on; the job ends all the same."""
    said = [worker.output.count("Lost RabbitMQ") for worker in workers]
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        producer = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=stop@3")
        await world.until_stopped(producer)
        await world.publish(*(await world.messages())[:8])  # those of its first page may be on their way yet
        await eventually(lambda: world.value("SELECT count(*) = 4 FROM backfill_partitions WHERE state = 'running'"))
        await asyncio.to_thread(node.kill9)
        producer.kill(signal.SIGCONT)
    if is_theirs:
        await eventually(
            lambda: all(w.output.count("Lost RabbitMQ") > n for w, n in zip(workers, said, strict=True)), deadline=60
        )
    if back:
        node.start()
    assert await producer.wait(120) == 0, producer.output
    await world.until_ended(120)

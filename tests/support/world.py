"""A test's own database, virtual host and commands, and the promises that must hold when it is over."""

import asyncio
import importlib
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aio_pika
import asyncpg
import psutil

from backfill import broker
from backfill.message import PartitionMessage
from backfill.modes import Mode, Priority
from backfill.topology import Topology, milliseconds
from tests.support import promises
from tests.support.commands import Command
from tests.support.waiting import eventually

TABLES = (Path(__file__).parent / "tables.sql").read_text()
APPLICATION = "application"
FAST = {
    "BACKFILL_LEASE_SECONDS": "2",
    "BACKFILL_RECONCILE_SECONDS": "0.5",
    "BACKFILL_RETRY_DELAYS": "0.2,0.2,0.2,0.2,0.2",
    "BACKFILL_HEARTBEAT": "2",
    "BACKFILL_LOCK_TIMEOUT_MS": "500",
}
# Of workers of whom none dies: a machine that stands still for seconds ends no lease.
PATIENT = {"BACKFILL_LEASE_SECONDS": "60"}
# Of one that dies where others are to go on without it.
HASTY = {"BACKFILL_LEASE_SECONDS": "2"}
# Of those that wait at the gate, or for a lock that a test holds: one that stops gives back what it waits for in vain.
AT_LOCKS = {"BACKFILL_LOCK_TIMEOUT_MS": "60000"}
# Of those whose messages a test counts: who stands still for seconds loses his link otherwise, and has them once more.
LASTING = {"BACKFILL_HEARTBEAT": "60"}
# Of what fails until a test has seen that and mends it: a test that stands still meanwhile finds attempts left.
PERSEVERING = {"BACKFILL_RETRY_DELAYS": "0.2,0.5,2,8,30"}


def application(definition: str) -> str:
    """The `--app` of one of tests/support/definitions.py, or of a definition that says itself where it is."""
    return definition if ":" in definition else f"tests.support.definitions:{definition}"


@dataclass
class World:
    """Everything a fault test needs; `ends_well` is its last line."""

    database: str
    amqp: str
    env: dict[str, str]
    spawn: Callable[..., Command]
    connection: "asyncpg.Connection[Any]"
    definition: str = "Counter"
    commands: list[Command] = field(default_factory=list)
    checked: bool = False

    # --- the application's side

    async def rows(self, count: int, *, value: object = None, base: object = 0) -> None:
        """Insert things 1 to `count`; `base` and `value` may be SQL expressions over `id`."""
        shown = "NULL" if value is None else value
        await self.connection.execute(
            f"INSERT INTO things (id, base, value) SELECT id, {base}, {shown} FROM generate_series(1, $1::int) AS id",
            count,
        )

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        return await self.connection.fetch(sql, *arguments)

    async def value(self, sql: str, *arguments: Any) -> Any:
        return await self.connection.fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: Any) -> None:
        await self.connection.execute(sql, *arguments)

    @asynccontextmanager
    async def session(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """One more connection of the application, for locks and open transactions."""
        connection = await asyncpg.connect(self.database, timeout=10, server_settings={"application_name": APPLICATION})
        try:
            yield connection
        finally:
            await connection.close(timeout=5)

    async def reconnect(self) -> None:
        """The application's connection again, after the server was away."""
        self.connection.terminate()
        self.connection = await asyncpg.connect(
            self.database, timeout=10, server_settings={"application_name": APPLICATION}
        )

    # --- our commands

    @property
    def backfill(self) -> str:
        module, _, name = application(self.definition).partition(":")
        found: str = getattr(importlib.import_module(module), name).name
        return found

    @property
    def topology(self) -> Topology:
        return Topology(self.backfill)

    def run(self, name: str, *arguments: str, failpoint: str = "", **settings: str) -> Command:
        """Start a command for this world's definition."""
        env = self.env | {"BACKFILL_APP": application(self.definition)} | settings
        if failpoint:
            env["BACKFILL_FAILPOINT"] = failpoint
        command = self.spawn(name, *arguments, env=env)
        self.commands.append(command)
        return command

    def worker(self, *arguments: str, failpoint: str = "", **settings: str) -> Command:
        return self.run("backfill-worker", *arguments, failpoint=failpoint, **settings)

    def producer(self, *arguments: str, failpoint: str = "", **settings: str) -> Command:
        return self.run("backfill-queue", *arguments, failpoint=failpoint, **settings)

    async def queue(self, *arguments: str) -> UUID:
        """Queue a job to the end and return its id."""
        command = self.producer(*arguments)
        assert await command.wait() == 0, command.output
        return await self.job()

    async def job(self) -> UUID:
        """The newest job."""
        found: UUID = await self.value("SELECT id FROM backfill_jobs ORDER BY created_at DESC LIMIT 1")
        return found

    async def state(self) -> str | None:
        """The newest job's state."""
        found: str | None = await self.value("SELECT state FROM backfill_jobs ORDER BY created_at DESC LIMIT 1")
        return found

    @property
    def said(self) -> str:
        """By all commands, the first one first."""
        return "".join(command.output for command in self.commands)

    async def partitions(self) -> Counter[str]:
        """How many partitions there are in each state."""
        rows = await self.fetch("SELECT state, count(*) AS n FROM backfill_partitions GROUP BY state")
        return Counter({row["state"]: row["n"] for row in rows})

    async def let_leases_end(self, pid: int) -> None:
        """Of a worker that is dead, as time would: its partitions' and its lead."""
        mine = "(SELECT id FROM backfill_workers WHERE pid = $1)"
        ended = "clock_timestamp() - interval '1 second'"
        await self.connection.execute(
            f"UPDATE backfill_partitions SET lease_expires_at = {ended} WHERE state = 'running' AND worker_id = {mine}",
            pid,
        )
        await self.connection.execute(f"UPDATE backfill_leases SET expires_at = {ended} WHERE holder = {mine}", pid)

    async def let_retries_begin(self) -> None:
        """As when their time has come."""
        await self.connection.execute(
            "UPDATE backfill_partitions SET not_before = clock_timestamp() WHERE state = 'pending'"
        )

    async def until_ended(self, deadline: float = 60) -> None:
        async def ended() -> bool:
            rows = await self.fetch("SELECT state, completed_partitions FROM backfill_jobs WHERE completed_at IS NULL")
            assert not rows, f"{rows} with {await self.partitions()}"
            return True

        await eventually(ended, deadline=deadline, what="the end of every job")

    async def until_stopped(self, command: Command, deadline: float = 60) -> None:
        """Wait until a failpoint has stopped the process (SIGSTOP)."""
        await eventually(lambda: is_stopped(command.pid), deadline=deadline, what=f"{command} stopping itself")

    async def until_killed(self, command: Command, deadline: float = 60) -> None:
        """Wait until a failpoint has killed the process (SIGKILL)."""
        assert await command.wait(deadline) == -signal.SIGKILL, command.output

    async def finish(self, *arguments: str, deadline: float = 60, **settings: str) -> Command:
        """Let one healthy worker run until every job has ended and every queue is empty."""
        settings = PATIENT | settings
        worker = self.worker(*arguments, **settings)
        await self.until_ended(deadline)
        for _ in range(3):
            await eventually(self.queues_are_empty, deadline=deadline, what="empty queues")
            await self.drain(worker)
            if not any((await self.depths()).values()):
                break
            worker = self.worker(*arguments, **settings)
        return worker

    async def drain(self, worker: Command) -> None:
        """Ask a worker to finish what is in hand and end; before it listens to signals it would just die."""
        await eventually(lambda: "Prefetch:" in worker.output, what=f"{worker} listening to signals")
        worker.kill(signal.SIGTERM)
        assert await worker.wait() == 0, worker.output

    # --- the broker

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
        async with broker.connected(self.amqp, name="test", heartbeat=10) as connection:
            yield connection

    async def depths(self) -> dict[str, int]:
        """Messages ready in the work and delay queues that exist."""
        delays = [float(delay) for delay in self.env["BACKFILL_RETRY_DELAYS"].split(",")]
        names = [self.topology.queue(priority) for priority in Priority]
        names += [self.topology.delay_queue(milliseconds(delay)) for delay in set(delays)]
        async with self.broker() as connection:
            found = {name: await broker.depth(connection, name) for name in names}
        return {name: ready for name, ready in found.items() if ready is not None}

    async def queues_are_empty(self) -> bool:
        depths = await self.depths()
        assert not any(depths.values()), depths
        return True

    async def publish(self, *bodies: bytes, priority: Priority = Priority.NORMAL) -> None:
        """Put bodies into the work queue as they are."""
        async with self.broker() as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(self.topology.exchange("work"), ensure=False)
            for body in bodies:
                message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await exchange.publish(message, Topology.routing_key(priority), timeout=10)

    async def messages(self) -> list[bytes]:
        """A fresh message for each partition of the newest job."""
        job = await self.value("SELECT id FROM backfill_jobs ORDER BY created_at DESC LIMIT 1")
        rows = await self.fetch(
            "SELECT j.mode, p.partition_key, p.record_ids FROM backfill_partitions p "
            "JOIN backfill_jobs j ON j.id = p.backfill_job_id WHERE j.id = $1 ORDER BY p.partition_key",
            job,
        )
        return [
            PartitionMessage(
                job_id=job,
                backfill=self.backfill,
                mode=Mode(row["mode"]),
                partition_key=row["partition_key"],
                ids=tuple(row["record_ids"]),
            ).encode()
            for row in rows
        ]

    async def dead(self) -> list[aio_pika.abc.AbstractIncomingMessage]:
        """What is in the dead queue; it stays there."""
        found = []
        async with self.broker() as connection:
            if await broker.depth(connection, self.topology.dead_queue) is None:
                return []
            channel = await connection.channel()
            queue = await channel.get_queue(self.topology.dead_queue, ensure=False)
            while (message := await queue.get(fail=False, timeout=10)) is not None:
                found.append(message)
        return found

    async def purge(self, queue: str) -> None:
        async with self.broker() as connection:
            channel = await connection.channel()
            await (await channel.get_queue(queue, ensure=False)).purge()

    async def delete_queue(self, queue: str) -> None:
        async with self.broker() as connection:
            channel = await connection.channel()
            await channel.queue_delete(queue)

    # --- the promises

    async def ends_well(
        self, *, states: Iterable[str] = ("completed",), undecodable: int = 0, sentinels: dict[int, Any] | None = None
    ) -> None:
        """Check everything that must hold after any fault; the test's own expectations come beside it.

        `states` are those in which jobs may be, `undecodable` is how many dead messages belong to no partition,
        `sentinels` are values that the application wrote and that must still be there.
        """
        self.checked = True
        await promises.hold(self, states, undecodable, sentinels or {})


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    return False


def last_json(command: Command) -> dict[str, Any]:
    """The object that a command printed with --json."""
    found: dict[str, Any] = json.loads(command.output.strip().splitlines()[-1])
    return found


@asynccontextmanager
async def new_world(
    database: str, amqp: str, env: dict[str, str], spawn: Callable[..., Command]
) -> AsyncIterator[World]:
    """A world whose tables are made and whose commands are gone afterwards."""
    connection = await asyncpg.connect(database, timeout=10, server_settings={"application_name": APPLICATION})
    try:
        await connection.execute(TABLES)
        world = World(database, amqp, env | FAST | {"DATABASE_URL": database, "RABBITMQ_URL": amqp}, spawn, connection)
        yield world
        for command in world.commands:
            command.close()
    finally:
        await asyncio.wait_for(connection.close(), 5)

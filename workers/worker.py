"""A worker process: its slots, its side tasks, and how it ends."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from functools import partial
from uuid import UUID, uuid4

from backfill import database, schema
from backfill.cancelling import cancel, unless, until
from backfill.database import Pool
from backfill.definition import Definition
from backfill.inside import inside
from backfill.ledger.workers import Seat
from backfill.log import warn
from backfill.modes import Priority
from backfill.settings import Settings
from backfill.workers import trace
from backfill.workers.allowance import Allowance
from backfill.workers.computing.ways import Ways
from backfill.workers.hand import Hand
from backfill.workers.keeper import Keeper
from backfill.workers.links import burst
from backfill.workers.links.linked import to_rabbitmq
from backfill.workers.links.parts import Link, Options, Parts, Place, Taken
from backfill.workers.links.subscription import Settlement
from backfill.workers.lookout import Lookout
from backfill.workers.processor import Processor
from backfill.workers.stats import Stats
from backfill.workers.stopping import Stopping

__all__ = ["Options", "Worker"]


class Worker:
    """Consumes until it is told to stop, has done enough, or (burst) finds nothing left."""

    def __init__(
        self,
        settings: Settings,
        definitions: dict[str, Definition],
        options: Options,
        say: Callable[[str], None],
        worker: UUID | None = None,
        link: Link = to_rabbitmq,
    ) -> None:
        self._settings = settings
        self._definitions = definitions
        self._options = options
        self._say = say
        self._link = link
        self._warn = partial(warn, say)
        self._id: UUID = worker or uuid4()
        self._stopping = Stopping(settings.drain_seconds)
        self._busy = 0
        self._next_line = options.stats_interval
        self.stats = Stats()
        self.halted = ""  # what a worker with --burst could not do
        self._name = f"worker {socket.gethostname()}:{os.getpid()}"
        seat = Seat(self._id, self._name, list(definitions), options.concurrency, options.prefetch * len(Priority))
        self._hand = Hand(say)
        self._ways = Ways(settings.record_seconds, options.concurrency)
        self._keeper = Keeper(
            settings,
            settings.need_database(),
            seat,
            self._hand,
            self.stats,
            self.stop,
            say,
            ends_process=options.ends_process,
        )

    @property
    def lookout(self) -> Lookout:
        """What ends computations that take too long."""
        return self._keeper.lookout

    @property
    def is_stuck(self) -> bool:
        """Whether a thread still computes a record, so that the process would not end by itself."""
        return self._ways.is_stuck

    def stop(self) -> None:
        """Finish what is in hand, give back the rest, end."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped; raises UnreachableError, UsageError or SchemaError when it cannot begin."""
        settings = self._settings
        async with database.translated(settings.need_database()), contextlib.AsyncExitStack() as stack:
            prepared = await unless(self._stopping, self._prepared(stack))
            if prepared is None:
                return
            pool, parts = prepared
            stack.push_async_callback(self._keeper.stop)
            stack.push_async_callback(self._ways.close)
            self._parts = parts
            self._processor = Processor(
                settings,
                pool,
                parts.outlet,
                self._definitions,
                self._hand,
                self._ways,
                self.stats,
                self._id,
                self._stopping,
                Allowance(self._options.max_records, self.stats),
                self._warn,
            )
            async with pool.acquire(timeout=10) as connection:
                await self._keeper.beat(connection)
            await self._work(pool)

    async def _prepared(self, stack: contextlib.AsyncExitStack) -> tuple[Pool, Parts]:
        settings = self._settings
        pool = await stack.enter_async_context(
            database.pooled(
                settings.need_database(),
                name=self._name,
                tenant=settings.tenant,
                size=self._options.concurrency + 3,  # a slot's, the reconciler's, the budgets', and one to spare
                statement_timeout_ms=settings.statement_timeout_ms,
                lock_timeout_ms=settings.lock_timeout_ms,
            )
        )
        async with pool.acquire(timeout=10) as connection:
            await schema.check(connection)
        await stack.enter_async_context(inside(self._definitions.values()))
        place = Place(settings, pool, self._definitions, self._options, self._id, self._name, self.stats, self._say)
        return pool, await stack.enter_async_context(self._link(place))

    async def _work(self, pool: Pool) -> None:
        """Run all tasks under one owner: when one dies, the process ends loudly."""
        slots = [asyncio.create_task(self._slot(), name=f"slot {n}") for n in range(self._options.concurrency)]
        tasks = [
            asyncio.create_task(self._parts.source.run(), name="intake"),
            asyncio.create_task(self._keeper.run(), name="keeper"),
            asyncio.create_task(self._parts.upkeep.run(), name="reconciler"),
            *slots,
        ]
        if self._options.burst:
            tasks.append(asyncio.create_task(self._burst(pool), name="burst"))
        try:
            await until(self._stopping, tasks)
            await self._parts.source.stop()
            _, late = await asyncio.wait(slots, timeout=self._settings.drain_seconds)
            if late:
                self._warn(f"{len(late)} partitions did not finish in time; another worker takes them over.")
        finally:
            await cancel(tasks)
            with contextlib.suppress(Exception):
                await self._processor.close()
        for task in tasks:
            if not task.cancelled():
                task.result()
        with contextlib.suppress(Exception):  # the leases end by themselves when the database is away
            await self._parts.upkeep.stop()

    async def _burst(self, pool: Pool) -> None:
        await self._parts.source.ready.wait()
        left, self.halted = await burst.until_nothing_is_left(
            pool, self._definitions, lambda: not self._busy and not self._parts.source.buffered, self._parts.upkeep
        )
        self._say(left)
        self.stop()

    async def _slot(self) -> None:
        """Take one delivery after another; between deliveries a stop is noticed at once."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        arriving: asyncio.Future[Taken] | None = None
        try:
            while not self._stopping.is_set():
                arriving = asyncio.ensure_future(self._parts.source.next())
                await asyncio.wait({arriving, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not arriving.done():
                    return
                delivery = arriving.result()
                if self._stopping.is_set():
                    await delivery.give_back()
                    return
                await self._take(delivery)
        finally:
            stopping.cancel()
            if arriving is not None:
                arriving.cancel()

    async def _take(self, delivery: Taken) -> None:
        self._busy += 1
        try:
            with trace.delivery(delivery.body, self._say) as course:
                settlement = await self._processor.process(delivery.backfill, delivery.body)
                await delivery.settle(settlement)
                course.settled = "acknowledged" if settlement is Settlement.ACK else "rejected"
        finally:
            self._busy -= 1
        records = self.stats.records
        if records >= self._next_line:
            self._say(self.stats.line())
            self._next_line = (records // self._options.stats_interval + 1) * self._options.stats_interval
        if self._options.max_records and records >= self._options.max_records:
            self.stop()

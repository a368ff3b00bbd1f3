"""What a worker is put together with: where its partitions come from, where messages go, who closes what has ended."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

from backfill.database import Connection, Pool
from backfill.definition import Definition
from backfill.outlet import Outlet
from backfill.settings import Settings
from backfill.workers.links.subscription import Settlement
from backfill.workers.stats import Stats


@dataclass(frozen=True)
class Options:
    """What a `backfill-worker` call asks for."""

    prefetch: int
    concurrency: int
    stats_interval: int
    burst: bool
    max_records: int | None
    metrics: tuple[str, int] | None = None  # host and port
    ends_process: bool = True  # under a record that nothing interrupts; not where the process is somebody else's


class Taken(Protocol):
    """A partition that is to be worked on."""

    @property
    def backfill(self) -> str:
        """Whose it is."""

    @property
    def body(self) -> bytes:
        """A message about it."""

    async def settle(self, settlement: Settlement) -> None:
        """It was dealt with."""

    async def give_back(self) -> None:
        """It was not begun."""


class Source(Protocol):
    """Gives the slots one partition after another; workers/links/intake.py takes them from RabbitMQ."""

    ready: asyncio.Event  # once it can give any

    @property
    def buffered(self) -> int:
        """How many it has at hand."""

    async def run(self) -> None:
        """See to more until cancelled."""

    async def next(self) -> Taken:
        """Wait for one."""

    async def stop(self) -> None:
        """Take no more, and give back what no slot has."""


class Upkeep(Protocol):
    """Sees to what no slot does; workers/upkeep/reconciler.py is the one of workers with a broker."""

    async def run(self) -> None:
        """Go on until cancelled."""

    async def close_ended(self, connection: Connection, backfill: str) -> bool:
        """End what is done; True when there is more to do."""

    async def stop(self) -> None:
        """Leave things in order; bounded in time."""


@dataclass(frozen=True)
class Parts:
    """Of one worker."""

    source: Source
    outlet: Outlet
    upkeep: Upkeep


@dataclass(frozen=True)
class Place:
    """What the parts are made for."""

    settings: Settings
    pool: Pool
    definitions: dict[str, Definition]
    options: Options
    worker: UUID
    name: str
    stats: Stats
    say: Callable[[str], None]


Link: TypeAlias = Callable[[Place], AbstractAsyncContextManager[Parts]]

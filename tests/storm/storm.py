"""One storm: a table, an application, workers and a producer, and the events of the schedule."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import click

from backfill.commands import main as backfill
from backfill.producers.command import main as queue
from tests.storm.application import PINNED, Application
from tests.storm.commands import MODULE, invoke
from tests.storm.dice import Schedule
from tests.storm.processes import Fleet
from tests.storm.services import Place

WORKERS: Final = 2
SETTINGS: Final = {
    "BACKFILL_LEASE_SECONDS": "2",
    "BACKFILL_RECONCILE_SECONDS": "0.5",
    "BACKFILL_RETRY_DELAYS": "0.2,0.3,0.5,0.5,0.5",
    "BACKFILL_HEARTBEAT": "2",
    "BACKFILL_LOCK_TIMEOUT_MS": "500",
    "BACKFILL_DRAIN_SECONDS": "5",
}
# `backfill …`: an operator's command may be refused, and may find a service away.
ANSWERS: Final = {0, 2, 3, 4, 5, 6}


class Storm:
    """What events have at hand."""

    def __init__(self, schedule: Schedule, place: Place, folder: Path) -> None:
        self.schedule = schedule
        self.place = place
        self.calls = folder / "calls"  # of the service: when each came
        case = {
            "key": schedule.key,
            "column": schedule.column,
            "delay": schedule.delay,
            "by_columns": schedule.by_columns,
            "way": schedule.work.way,
            "where": schedule.work.has_where,
            "rate": schedule.work.rate,
            "concurrency": schedule.work.concurrency,
            "refused": schedule.work.refused,
            "calls": str(self.calls),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BACKFILL_")}
        urls = {"DATABASE_URL": place.database_url, "RABBITMQ_URL": place.amqp_url}
        self.env = inherited | urls | SETTINGS
        self.env |= {"BACKFILL_APP": f"{MODULE}:Storm", "STORM_CASE": json.dumps(case), "NO_COLOR": "1"}
        self.fleet = Fleet(folder, self.env, WORKERS, schedule.concurrency)
        self.application = Application(schedule, place.database_url)
        self.faults: list[str] = []
        self.garbage: set[bytes] = set()  # that was put into the queue
        self.deleted: set[str] = set()  # jobs
        self._typing = asyncio.Lock()  # one command at a time in this process: they share its environment
        self.restarting = asyncio.Lock()  # one service at a time
        self._began = time.monotonic()
        self.journal: list[str] = []

    def note(self, text: str) -> None:
        if not self.journal or not self.journal[-1].endswith(text):
            self.journal.append(f"{time.monotonic() - self._began:6.2f} {text}")

    @asynccontextmanager
    async def session(self, name: str = "owner") -> AsyncIterator["asyncpg.Connection[Any]"]:
        """A session of the table's owner; what it waits for is bounded."""
        settings = {"application_name": name, "lock_timeout": "3000", "statement_timeout": "8000", **PINNED}
        connection = await asyncpg.connect(
            self.place.database_url, timeout=10, command_timeout=10, server_settings=settings
        )
        try:
            yield connection
        finally:
            connection.terminate()

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self.session("looker") as connection:
            return await connection.fetch(sql, *arguments)

    async def command(self, *arguments: str, command: click.Command = backfill) -> int:
        """An operator's command, judged like any process; whoever waits for it may give up, it goes on."""
        return await asyncio.shield(asyncio.create_task(self._typed(command, arguments)))

    async def _typed(self, command: click.Command, arguments: tuple[str, ...]) -> int:
        # In a thread, as it has an event loop of its own.
        title = f"{'backfill' if command is backfill else 'backfill-queue'} {' '.join(arguments)}"
        async with self._typing:
            code, said = await asyncio.to_thread(invoke, command, arguments, self.env)
        self.note(f"$ {title} -> {code} {said.strip().splitlines()[-1:]}")
        if code not in ANSWERS:
            self.faults.append(f"{title} ended with {code}: {said.strip()[-300:]}")
        elif code and "rror: " not in said:
            self.faults.append(f"{title} ended with {code} and no sentence: {said[-300:]}")
        return code

    def request(self) -> list[str]:
        """The arguments of `backfill-queue`."""
        one = self.schedule
        common = [f"--batch-size={one.batch_size}", f"--priority={one.work.priority}"]
        common += [f"--limit={one.limit}"] if one.limit else []
        return common if one.work.way == "keys" else [f"--mode={one.mode}", f"--order={one.order}", *common]

    async def queue(self, *arguments: str) -> int:
        return await self.command(*(arguments or self.request()), command=queue)

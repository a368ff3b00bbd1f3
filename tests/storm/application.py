"""The application: it goes on writing while the backfill runs, and remembers when each write was settled."""

import asyncio
import contextlib
import math
import time
from random import Random
from typing import Any, Final

import asyncpg

from tests.storm import dice as schedules
from tests.storm import table
from tests.storm.dice import Schedule

NAME: Final = "application"
# As the toolkit's own sessions write keys and values.
PINNED: Final = {"TimeZone": "UTC", "DateStyle": "ISO, YMD", "extra_float_digits": "1", "bytea_output": "hex"}
# What an owner of a table has to expect when others lock it, change it or end his sessions.
TROUBLES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
HELD: Final = (
    "SELECT unnest(coalesce(remaining_ids, record_ids)) AS key FROM backfill_partitions WHERE state = 'running'"
)


class Application:
    def __init__(self, schedule: Schedule, url: str) -> None:
        self._schedule = schedule
        self._url = url
        self._dice = Random(schedule.seed + 1)
        self._next = schedule.rows + 1
        self.written: dict[int, float] = {}  # by n: when the last write was surely committed, or inf when it never was
        self.born: dict[int, float] = {}
        self.changes: list[float] = []  # of the whole table: when each was committed
        self.writes = 0

    @property
    def all_written(self) -> float:
        """When the table as a whole was changed last."""
        return max(self.changes, default=0.0)

    async def connect(self) -> "asyncpg.Connection[Any]":
        settings = {"application_name": NAME, "lock_timeout": "2000", "statement_timeout": "5000", **PINNED}
        return await asyncpg.connect(self._url, timeout=10, command_timeout=10, server_settings=settings)

    async def run(self) -> None:
        """Write until cancelled; sessions that are ended are opened again."""
        while True:
            with contextlib.suppress(*TROUBLES, TimeoutError):
                connection = await self.connect()
                try:
                    while True:
                        with contextlib.suppress(asyncpg.PostgresError):
                            await self._write(connection)
                        await asyncio.sleep(self._dice.expovariate(self._schedule.writes))
                finally:
                    connection.terminate()
            await asyncio.sleep(0.1)

    async def _write(self, connection: "asyncpg.Connection[Any]") -> None:
        dice = self._dice
        what = dice.choices(["input", "value", "clear", "touch", "insert", "delete"], [5, 4, 2, 4, 2, 1])[0]
        if what == schedules.CLEAR and not self._schedule.clears:
            what = "touch"
        numbers = [dice.randint(1, self._next) for _ in range(dice.randint(1, 8))]
        if what == "insert":
            again = dice.random() < 0.3  # perhaps one that was deleted
            wanted = numbers if again else list(range(self._next, self._next + len(numbers)))
            self._next = max(self._next, wanted[-1] + 1)
            rows = ", ".join(f"({number})" for number in wanted)
            value = table.EMPTY[self._schedule.mode]
            await self.settle(connection, table.insert(self._schedule, f"VALUES {rows}", value=value), born=True)
        elif what == "delete":
            await self.settle(connection, "DELETE FROM things WHERE i = ANY($1::integer[]) RETURNING n", numbers)
        elif dice.random() < 0.5:
            await self.write_held(connection, what, dice.randint(1, 8))
        else:
            await self.settle(connection, f"{self._update(what)} WHERE i = ANY($1::integer[]) RETURNING n", numbers)

    def _update(self, what: str) -> str:
        dice, kind = self._dice, self._schedule.column
        change = {
            "input": f"base = CASE WHEN base < 0 THEN base ELSE {dice.randint(0, 100_000)} END",
            "value": f"value = ({dice.randint(1, 100_000)})::{kind}",
            "clear": f"value = ({table.EMPTY[self._schedule.mode]})::{kind}",
            "touch": "base = base",
        }[what]
        return f"UPDATE things t SET touched = touched + 1, {change}"

    async def write_held(self, connection: "asyncpg.Connection[Any]", what: str, most: int) -> None:
        """Write to records that workers have in hand at this moment."""
        key = table.keys.text(self._schedule.key, "t")
        await self.settle(
            connection,
            f"{self._update(what)} WHERE {key} IN (SELECT key FROM ({HELD}) h ORDER BY random() LIMIT {most}) "
            "RETURNING n",
        )

    async def settle(
        self, connection: "asyncpg.Connection[Any]", sql: str, *arguments: Any, born: bool = False
    ) -> None:
        """One transaction, and the time at which it was surely over."""
        transaction = connection.transaction()
        await transaction.start()
        try:
            changed = [row["n"] for row in await connection.fetch(sql, *arguments)]
        except BaseException:
            if not connection.is_closed():
                await transaction.rollback()
            raise
        ended = math.inf
        try:
            await transaction.commit()
            ended = time.time()
        finally:
            self.writes += len(changed)
            self.written |= dict.fromkeys(changed, ended)
            if born:
                self.born |= dict.fromkeys(changed, ended)

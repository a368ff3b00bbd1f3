"""The usual questions about a table, each with a share of the time, so that one that is slow loses no other."""

import json
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from backfill import sessions, statements
from backfill.errors import UsageError
from backfill.monitor.databases import milliseconds
from backfill.monitor.profile import SqlSource
from backfill.monitor.readings import Measure, Problem, Reading, Remembered
from backfill.monitor.sources import values
from backfill.monitor.sources.table import YEAR_SECONDS, Column, Table
from backfill.texts import one_line

if TYPE_CHECKING:
    from backfill.database import Connection

COUNT: Final = "count"
MOST_GROUPS: Final = 20
SAMPLED_ROWS: Final = 100_000
SLOW_SECONDS: Final = 600.0  # what took too long is not asked again for so long
LEAST_SECONDS: Final = 0.05
ENOUGH: Final = 0.7  # of the time that is left, for the count: the rest is for what stands in for it
CHECKS: Final = {
    Measure.ZERO_VALUES: "is_zero",
    Measure.NULL_VALUES: "is_null",
    Measure.ZERO_TIMESTAMPS: "is_zero_time",
}
NONE: Final = dict.fromkeys(CHECKS.values(), "false")


class Asking:
    """The questions of one look at a table."""

    def __init__(
        self, source: SqlSource, table: Table, connection: "Connection", reading: Reading, remembered: Remembered
    ) -> None:
        self._source, self._table, self._connection, self._reading = source, table, connection, reading
        slow = remembered.get("slow")
        self._slow = {name: until for name, until in (slow or {}).items() if until > reading.at}
        self._until = time.monotonic() + source.timeout
        self._per_second = 1
        self._is_locked = False
        self._newest = self._known(source.newest, table.time)
        self._range = self._known(source.range, table.column)
        self._group = self._known(source.group, table.column)
        self._value = self._known(source.value, table.column)

    def _known(self, name: str | None, known: Callable[[str], Column]) -> Column | None:
        """The column, if one was named; one that cannot be used is a problem, once."""
        try:
            return None if name is None else known(name)
        except UsageError as error:
            self._reading.problems.append(Problem(self._reading.source, one_line(error)))
            return None

    async def all(self) -> Remembered:
        """Ask everything that the source names; returns what is to be remembered: what took too long."""
        steps: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        if self._newest:
            steps += [
                ("newest", partial(self._ask_newest, self._newest)),
                ("minutes", partial(self._ask_minutes, self._newest)),
            ]
        if self._range:
            steps += [("range", partial(self._ask_range, self._range))]
        if self._group:
            steps += [("group", partial(self._ask_groups, self._group))]
        if self._table.runs_nothing:  # whatever stands on the search path for functions of PostgreSQL's
            await sessions.put(self._connection, {"search_path": "pg_catalog"})
        for number, (name, ask) in enumerate(steps):
            left = self._until - time.monotonic()
            await self._ask(name, ask, left / (len(steps) - number + 1))
        if not await self._ask(COUNT, self._count, (self._until - time.monotonic()) * ENOUGH):
            await self._ask("estimate", self._estimate, self._until - time.monotonic())
        return {"slow": self._slow} if self._slow else {}

    async def _ask(self, name: str, ask: Callable[[], Awaitable[None]], seconds: float) -> bool:
        """Ask one thing; what went wrong with it is a problem, and nothing else is lost."""
        import asyncpg

        from backfill.database_errors import said

        if self._is_locked:
            return False
        if name in self._slow:
            minutes = (self._slow[name] - self._reading.at) / 60
            self._reading.notes.append(f"{name}: took too long before, and is asked again in {minutes:.0f} min")
            return False
        seconds = max(seconds, LEAST_SECONDS)
        try:
            async with self._connection.transaction():
                limits = {"statement_timeout": seconds, "lock_timeout": seconds / 2}
                await sessions.put(self._connection, {limit: milliseconds(most) for limit, most in limits.items()})
                await ask()
        except asyncpg.QueryCanceledError:
            self._slow[name] = self._reading.at + SLOW_SECONDS
            if name != COUNT:  # another number stands in for it
                self._say(name, f"took longer than {seconds:.1f} s and was stopped; give it an index, or more timeout")
        except asyncpg.LockNotAvailableError:
            self._is_locked = True
            self._say(name, "somebody has locked the table; look again when that has ended")
        except asyncpg.InsufficientPrivilegeError as error:
            self._say(name, f"{said(error)}; GRANT SELECT to the role of {self._source.database}")
        except (asyncpg.PostgresError, OverflowError) as error:
            self._say(name, f"{said(error)}; correct the source")
        except (UsageError, ValueError) as error:
            self._say(name, one_line(error))
        else:
            return True
        return False

    def _say(self, name: str, why: str) -> None:
        self._reading.problems.append(Problem(self._reading.source, f"{name}: {why}"))

    def _statement(self, name: str, **more: str) -> str:
        return statements.read(name).format_map({"table": self._table.quoted, **more})

    async def _ask_newest(self, column: Column) -> None:
        text = await self._connection.fetchval(self._statement("monitor/newest", **column.fragments(1)))
        if text is None:
            self._reading.notes.append(f"no row has a {column.name}")
            return
        moment = self._reading.measures[Measure.NEWEST] = values.moment(text, column.told_in)
        if column.is_number and moment.timestamp() > YEAR_SECONDS:
            self._per_second = round(float(text) / moment.timestamp())

    async def _ask_minutes(self, column: Column) -> None:
        if column.type != "date" and Measure.NEWEST in self._reading.measures:
            statement = self._statement("monitor/by_minute", **column.fragments(self._per_second))
            rows = await self._connection.fetch(statement)
            self._reading.minutes |= {row["minute"]: row["count"] for row in rows}

    async def _ask_range(self, column: Column) -> None:
        row = await self._connection.fetchrow(self._statement("monitor/range", **column.fragments(1)))
        for measure, text in zip((Measure.RANGE_START, Measure.RANGE_END), row or (), strict=False):
            if text is not None:
                self._reading.measures[measure] = column.value(text)

    async def _ask_groups(self, column: Column) -> None:
        fragments = column.fragments(1) | {"most": str(MOST_GROUPS + 1)}
        rows = await self._connection.fetch(self._statement("monitor/groups", **fragments))
        for row in rows[:MOST_GROUPS]:
            self._reading.groups["NULL" if row["name"] is None else one_line(row["name"])] = row["count"]
        if len(rows) > MOST_GROUPS:
            self._reading.notes.append(f"{column.name} has more values than the {MOST_GROUPS} most frequent")

    async def _count(self, sample: str = "", rows_of_all: int | None = None) -> None:
        checks = self._checks()
        row = await self._connection.fetchrow(self._statement("monitor/count", sample=sample, **{**NONE, **checks}))
        assert row is not None  # noqa: S101 - it counts
        whole = row["rows"] if rows_of_all is None else rows_of_all
        scale = whole / row["rows"] if row["rows"] else 1.0
        self._reading.measures[Measure.ROWS] = whole
        for measure, check in CHECKS.items():
            if check in checks:
                self._reading.measures[measure] = round(row[measure.value] * scale)
        if rows_of_all is not None:
            self._reading.notes.append(f"zero and NULL values are told from a sample of {row['rows']:,} rows")

    def _checks(self) -> dict[str, str]:
        checks = {}
        if column := self._value:
            checks["is_null"] = f"{column.quoted} IS NULL"
            if column.is_number:
                checks["is_zero"] = f"{column.quoted} = 0"
        if column := self._newest:
            beginning = str(YEAR_SECONDS * self._per_second) if column.is_number else "'1971-01-01'"
            checks["is_zero_time"] = f"{column.quoted} < {beginning}"
        return checks

    async def _estimate(self) -> None:
        plan = json.loads(await self._connection.fetchval(self._statement("monitor/estimate")))
        rows = int(plan[0]["Plan"]["Plan Rows"])
        self._reading.measures[Measure.ROWS] = rows
        self._reading.notes.append(f"about {rows:,} rows, as the planner has it")
        if self._checks() and self._table.is_sampled and rows:
            percent = min(100.0, 100 * SAMPLED_ROWS / rows)
            await self._count(f"TABLESAMPLE SYSTEM ({percent:.9f})", rows)

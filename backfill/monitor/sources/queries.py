"""What PostgreSQL tells, asked with a query of the user's own or with the usual ones about a table."""

import asyncio
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Final

from backfill.errors import BackfillError, UsageError
from backfill.monitor import zones
from backfill.monitor.databases import OWN, looked_into, milliseconds
from backfill.monitor.profile import Profile, SqlSource
from backfill.monitor.readings import MOST_MINUTES, Measure, Problem, Reading, Remembered
from backfill.monitor.sources import values
from backfill.monitor.surroundings import Surroundings
from backfill.texts import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backfill.database import Connection

CONNECT_SECONDS: Final = 5.0
LOCK_SECONDS: Final = 2.0
MOST_GROUPS: Final = 100
MOST_ROWS: Final = MOST_MINUTES + 1
WANTED: Final = f"name the columns {values.NAMES}, or group or minute with count"


async def read(
    source: SqlSource, profile: Profile, where: Surroundings, remembered: Remembered
) -> tuple[Reading, Remembered]:
    """What the database tells; whatever is in the way is a problem, in the time that the source has."""
    reading = Reading(name(source), "sql", where.now())
    try:
        naive = zones.named(profile.timezone) or UTC  # as servers have it, wherever this machine stands
        async with asyncio.timeout(CONNECT_SECONDS + source.timeout):
            remembered = await _read(source, naive, where, reading, remembered)
    except TimeoutError:
        why = f"no answer within {CONNECT_SECONDS + source.timeout:g} s; see what the database does, and look again"
        reading.problems.append(Problem(reading.source, why))
    except (BackfillError, ValueError) as error:
        reading.problems.append(Problem(reading.source, one_line(error)))
    return reading, remembered


def name(source: SqlSource) -> str:
    """What the source is called in a report."""
    what = source.table or " ".join((source.query or "").split())
    return f"sql {one_line(what, 60)}" + (f" of {source.database}" if source.database != OWN else "")


async def _read(
    source: SqlSource, naive: tzinfo, where: Surroundings, reading: Reading, remembered: Remembered
) -> Remembered:
    from backfill.monitor.sources.table import found
    from backfill.monitor.sources.tables import Asking

    limits = {
        "statement_timeout": milliseconds(source.timeout),
        "lock_timeout": milliseconds(min(LOCK_SECONDS, source.timeout / 2)),
    }
    async with looked_into(where, source.database, **limits) as connection:
        if source.table is not None:
            table = await found(connection, source.table, naive)
            reading.seen = table.quoted.replace('"', "")
            return await Asking(source, table, connection, reading, remembered).all()
        rows = await _answer(connection, source)
        reading.seen = counted(len(rows), "row") if len(rows) < MOST_ROWS else f"the first {MOST_ROWS:,} rows"
        take(rows, naive, reading)
    return remembered


async def _answer(connection: "Connection", source: SqlSource) -> "list[Mapping[str, Any]]":
    """The first rows of the one statement that the query is; raises UsageError for what cannot be run or read."""
    import asyncpg

    from backfill.database_errors import said

    try:
        statement = await connection.prepare(source.query or "")
        if not statement.get_attributes():
            raise UsageError(f"the query tells nothing; write a SELECT, and {WANTED}")
        return [dict(row) for row in await (await statement.cursor()).fetch(MOST_ROWS)]
    except asyncpg.QueryCanceledError as error:
        raise UsageError(
            f"the query took longer than {source.timeout:g} s and was stopped; give it an index, or more timeout"
        ) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise UsageError(f"{said(error)}; GRANT SELECT to the role of {source.database}") from error
    except asyncpg.PostgresError as error:
        raise UsageError(f"{said(error)}; correct the query") from error
    except (ValueError, OverflowError) as error:
        raise UsageError(f"the driver cannot read a value of the query ({said(error)}); cast it to text") from error


def take(rows: "Sequence[Mapping[str, Any]]", naive: tzinfo, reading: Reading) -> None:
    """Take what the rows say by the names of their columns; what cannot be taken is a problem."""
    if not rows:
        reading.notes.append("the query has no rows")
        return
    names = set(rows[0])
    for kind, target, most in (("group", reading.groups, MOST_GROUPS), ("minute", reading.minutes, MOST_MINUTES)):
        if names == {kind, "count"}:
            _take_counts(kind, rows, naive, reading, most, target)
            return
    if names == {"count"} and len(rows) == 1:  # of `SELECT count(*) FROM …`
        rows, names = [{Measure.ROWS: rows[0]["count"]}], {Measure.ROWS}
    if unknown := sorted(names - set(Measure)):
        said = f"no measure is called {', '.join(one_line(one, 60) for one in unknown[:5])}; {WANTED}"
        reading.problems.append(Problem(reading.source, said))
    if len(rows) > 1 and names & set(Measure):
        said = f"the query has {len(rows):,} rows, and measures are of one; the first was taken: write one row"
        reading.problems.append(Problem(reading.source, said))
    values.take(rows[0], naive, reading)


def _take_counts(
    kind: str,
    rows: "Sequence[Mapping[str, Any]]",
    naive: tzinfo,
    reading: Reading,
    most: int,
    target: dict[Any, int],
) -> None:
    for row in rows[:most]:
        try:
            count = int(values.number(row["count"]))
            key: Any = "NULL" if row[kind] is None else one_line(row[kind], values.MOST_OF_A_TEXT)
            if kind == "minute":
                key = int(values.moment(row[kind], naive).timestamp()) // 60
        except ValueError as error:
            reading.problems.append(Problem(reading.source, f"{kind} and count: {error}; correct the query"))
            return
        target[key] = target.get(key, 0) + count
    if len(rows) > most:
        reading.notes.append(f"the first {most:,} rows were taken")

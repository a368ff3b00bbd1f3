"""Backfills of `things` in which a record's `extra` names what is done to the worker."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backfill import ColumnBackfill, Skip


class MuteError(Exception):
    """Has no text: asking for it raises."""

    def __str__(self) -> str:
        raise ValueError("no text")


class ExitingError(Exception):
    """Asking for its text ends the process, where nobody minds."""

    def __str__(self) -> str:
        raise SystemExit(3)


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


async def never() -> dict[str, Any]:
    return {"value": 1}


def deep() -> Any:
    return deep()


ACTIONS: Mapping[str, Callable[[], Any]] = {
    "good": lambda: {"value": 1},
    "exit": raising(SystemExit(4)),
    "generator": raising(GeneratorExit()),
    "interrupt": raising(KeyboardInterrupt()),
    "cancelled": raising(asyncio.CancelledError()),
    "stop": raising(StopIteration(7)),
    "memory": raising(MemoryError()),
    "deep": deep,
    "nul": raising(ValueError("a\0b")),
    "surrogate": raising(ValueError("a\ud800b")),
    "mute": raising(MuteError()),
    "exiting": raising(ExitingError()),
    "group": raising(BaseExceptionGroup("both", [KeyboardInterrupt(), ValueError("x")])),
    "none": lambda: None,
    "number": lambda: 7,
    "coroutine": never,
    "huge": lambda: {"value": 10**400},
    "mute value": lambda: {"value": MuteError()},
    "skip": lambda: Skip("a\0b\ud800c"),
}


class Hostile(ColumnBackfill):
    """`compute` does what the record says."""

    name = "hostile"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, extra FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        found: Mapping[str, Any] | Skip = ACTIONS[record["extra"]]()
        return found


class HostileLoad(ColumnBackfill):
    """`load` does what the first bad record that it is asked for says."""

    name = "hostile_load"
    table = "things"
    columns = ("value",)

    async def load(self, connection: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = await connection.fetch(
            "SELECT id, extra FROM things WHERE id = ANY($1) ORDER BY id", keys
        )
        for row in rows:
            if row["extra"] != "good":
                ACTIONS[row["extra"]]()
        return rows

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"value": 1}


class Swallowing(HostileLoad):
    """`load` waits at the gate of tests/support/definitions.py, and takes being cancelled for any other error."""

    name = "swallowing"

    async def load(self, connection: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        try:
            await connection.fetchval("SELECT pg_advisory_xact_lock_shared(77)")
        except BaseException as error:
            raise ValueError("swallowed") from error
        return await super().load(connection, keys)


class Priced(ColumnBackfill):
    """From another table, `prices`, whose rows change while nobody touches `things`."""

    name = "priced"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, price FROM prices WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"value": record["price"]}


class PricedAndHeld(Priced):
    """The same, held against the version of those rows."""

    name = "priced_and_held"
    inputs_version = "SELECT id, xmin FROM prices WHERE id = ANY($1)"

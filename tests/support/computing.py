"""What tests of computing have in common: a budget that is none, and a definition made of functions."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from backfill import ColumnBackfill, HeldError
from backfill.workers.limits.spending import Spending
from backfill.workers.stopping import Stopping


class Free(Spending):
    """Lets every call begin at once, and remembers what it was told."""

    def __init__(self) -> None:
        self.stopping = Stopping(20)
        self.calls = 0
        self.under_way = 0
        self.most = 0
        self.refused: list[HeldError] = []
        self.rests = 0

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        self.calls += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            yield
        finally:
            self.under_way -= 1

    async def rest(self) -> None:
        self.rests += 1

    async def held(self, error: HeldError) -> None:
        self.refused.append(error)


def defined(**parts: Any) -> ColumnBackfill:
    """A definition of the column `value` with these attributes and functions (without self)."""
    own = {name: staticmethod(part) if is_function(part) else part for name, part in parts.items()}
    return type("Defined", (ColumnBackfill,), {"name": "defined", "table": "things", "columns": ("value",), **own})()


def is_function(part: Any) -> bool:
    return isinstance(part, Callable) and not isinstance(part, type)  # type: ignore[arg-type]


def rows(number: int) -> list[dict[str, Any]]:
    """Records 0, 1, 2 …, each with its number as its base."""
    return [{"id": one, "base": one} for one in range(number)]

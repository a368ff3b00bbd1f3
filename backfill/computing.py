"""How a definition computes: one record or many a call, awaited or not, and where; what does not fit is refused."""

import inspect
import sys
from dataclasses import dataclass
from typing import Any, Final

from backfill.column_backfill import ColumnBackfill
from backfill.errors import UsageError

PLACES: Final = ("loop", "threads", "processes")
MOST_RECORDS: Final = 10_000  # a call; as many as a partition may have
MOST_CALLS: Final = 1_000  # of a partition at once
# Records a call where a definition does not say.
OF_MANY: Final = 1_000
OF_ASYNC_MANY: Final = 50
OF_EACH: Final = 100  # that go to a thread or a process together


@dataclass(frozen=True)
class Computing:
    """What a definition says about its computation, in one place."""

    is_many: bool  # it has compute_many, which is called with up to `call_size` records
    is_async: bool
    place: str
    call_size: int
    at_once: int

    @property
    def is_plain(self) -> bool:
        """Whether it is one plain function, called in the loop record by record."""
        return not self.is_many and not self.is_async and self.place == "loop"


def of(definition: ColumnBackfill) -> Computing:
    """How the definition computes; with both functions, compute_many wins."""
    is_many = type(definition).compute_many is not ColumnBackfill.compute_many
    is_async = inspect.iscoroutinefunction(definition.compute_many if is_many else definition.compute)
    usual = (OF_ASYNC_MANY if is_async else OF_MANY) if is_many else 1 if is_async else OF_EACH
    size = usual if definition.call_size is None or (is_async and not is_many) else definition.call_size
    return Computing(is_many, is_async, definition.compute_in, size, definition.at_once)


def need_fitting(definition: ColumnBackfill) -> None:
    """Raise UsageError for functions and settings that do not go together."""
    title, kind = type(definition).__name__, type(definition)
    given: str = definition.compute_in
    if kind.compute is ColumnBackfill.compute and kind.compute_many is ColumnBackfill.compute_many:
        raise UsageError(f"{title} has no `compute`: write the function from a loaded row to the new values")
    for name in ("compute", "compute_many"):
        method = getattr(definition, name)
        if inspect.isasyncgenfunction(method) or inspect.isgeneratorfunction(method):
            raise UsageError(f"{title}.{name} yields: return what it computes")
    if given not in PLACES:
        raise UsageError(f"{title}.compute_in is {given!r}: give 'loop', 'threads' or 'processes'")
    _need_number(title, "call_size", definition.call_size, MOST_RECORDS)
    _need_number(title, "at_once", definition.at_once, MOST_CALLS)
    computing = of(definition)
    if computing.is_async and given != "loop":
        name = "compute_many" if computing.is_many else "compute"
        raise UsageError(
            f"{title}.{name} is async and compute_in is {given!r}: what is awaited runs in the loop; make it a plain "
            "function, or leave compute_in out"
        )
    if given == "processes":
        _need_importable(kind)


def _need_number(title: str, attribute: str, value: Any, most: int) -> None:
    if value is None and attribute == "call_size":
        return
    if type(value) is not int or not 1 <= value <= most:
        raise UsageError(f"{title}.{attribute} is {value!r}: give a number from 1 to {most:,}")


def _need_importable(kind: type) -> None:
    """A process that computes begins with nothing: it imports the class by its name."""
    found: Any = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    if kind.__module__ == "__main__" or found is not kind:
        raise UsageError(
            f"{kind.__name__}.compute_in is 'processes', and they cannot import {kind.__module__}:{kind.__qualname__}: "
            "define the class in a module, outside of functions, under its own name"
        )

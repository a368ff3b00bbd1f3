"""What a definition says must have been completed before: names of backfills, and how long ago at most."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from backfill.errors import UsageError

if TYPE_CHECKING:
    from backfill.definition import Definition

MOST: Final = 100


@dataclass(frozen=True)
class Required:
    """A backfill that must have been completed, not longer ago than `maximum_age`."""

    name: str
    maximum_age: timedelta | None = None

    @property
    def seconds(self) -> float | None:
        return None if self.maximum_age is None else self.maximum_age.total_seconds()


class Unmet(StrEnum):
    """What to do about what is required and was not completed."""

    REFUSE = "refuse"
    WAIT = "wait"
    OPEN = "open"


def of(definition: "Definition") -> tuple[Required, ...]:
    """What it requires, each name once."""
    found = [one if isinstance(one, Required) else Required(one) for one in definition.requires]
    return tuple({one.name: one for one in found}.values())


def need_fitting(definition: "Definition") -> None:
    """Raise UsageError for what nothing can be required by."""
    title = type(definition).__name__
    requires: Any = definition.requires
    if isinstance(requires, str | Required):
        shown = repr(requires) if isinstance(requires, str) else f"Required({requires.name!r}, …)"
        raise UsageError(f"{title}.requires must be a tuple: write ({shown},)")
    if not isinstance(requires, tuple | list) or not all(isinstance(one, str | Required) for one in requires):
        raise UsageError(f"{title}.requires must be a tuple of names and Required(name, maximum_age=…)")
    names: list[Any] = [one.name if isinstance(one, Required) else one for one in requires]
    if wrong := [name for name in names if not isinstance(name, str) or not name]:
        raise UsageError(f"{title}.requires names {wrong[0]!r}: give the name of a backfill")
    if len(set(names)) < len(names) or len(names) > MOST:
        raise UsageError(f"{title}.requires names a backfill twice, or more than {MOST}")
    for one in requires:
        age: Any = one.maximum_age if isinstance(one, Required) else None
        if age is not None and not (isinstance(age, timedelta) and age > timedelta()):
            raise UsageError(
                f"{title}.requires: the maximum_age of {one.name} is {age!r}; give a timedelta, such as "
                "timedelta(hours=12)"
            )


def need_no_cycle(definitions: "Mapping[str, Definition]") -> None:
    """Raise UsageError where a backfill would have to be completed before itself."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            around = " requires ".join((*path[path.index(name) :], name))
            raise UsageError(f"{around}: none of them could ever begin; take one of these out of `requires`")
        if name in done or name not in definitions:
            return
        for one in of(definitions[name]):
            visit(one.name, (*path, name))
        done.add(name)

    for name in definitions:
        visit(name, ())

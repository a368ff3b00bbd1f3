"""What a world knows of a type: examples that are written, stored and used as keys, and what must be refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.support import servers

NO_INDEX = "no unique index"  # PostgreSQL itself has none for this type


@dataclass(frozen=True)
class Type:
    """A type by the name that SQL gives it; literals are SQL, such as `'a'` or `1.5`."""

    name: str
    read: str = ""  # the class that `compute` sees
    good: tuple[tuple[Any, str], ...] = ()  # a value in Python, and the literal for which plain SQL stores the same
    bad: tuple[Any, ...] = ()  # values in Python that must be refused, each alone
    stored: tuple[tuple[str, str | None], ...] = ()  # literals, and what is there once Python has written them back
    keys: tuple[str, ...] | None = None  # literals of keys; None: those of `good`
    lost_keys: tuple[str, ...] = ()  # keys that Python cannot hold: these records fail alone
    no_key: str = ""  # words of the refusal as a key
    no_column: str = ""  # words of the refusal as a column
    compared: str = "{}"  # how a query compares a column of it
    extension: str = ""
    setup: tuple[str, ...] = ()  # statements that make it
    extra: str = ""  # behind the type in a table, such as CHECK (v > 0)
    has_array: bool = True
    nests: bool = True  # a list of lists is an array of two dimensions
    in_wheel: bool | None = None  # whether the wheel's server has it, and Debian's has not; None: both
    written: str = ""  # what it takes, where no kind of that name says so
    title: str = ""  # where the name alone does not say it

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def is_here(self) -> bool:
        """Whether the server of this run has it."""
        return self.in_wheel in (None, servers.WORLDS == servers.WHEEL)

    @property
    def key_literals(self) -> tuple[str, ...]:
        found = self.keys if self.keys is not None else tuple(literal for _, literal in self.good)
        return tuple(dict.fromkeys(found))

    def but(self, **changes: Any) -> "Type":
        return replace(self, **changes)


def text(value: str) -> str:
    """The literal of a text, as psql would quote it."""
    return "'" + value.replace("'", "''") + "'"


def refused(*names: str, why: str, keys: Sequence[str] = (), no_key: str = NO_INDEX, **more: Any) -> list[Type]:
    """Types that no backfill writes; those with `keys` are keys nevertheless."""
    return [Type(name, keys=tuple(keys), no_key="" if keys else no_key, no_column=why, **more) for name in names]

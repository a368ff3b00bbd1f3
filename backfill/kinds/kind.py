"""One type: how people write it in Python, how it travels and how it is compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# Which way a value is written: returns its text, or raises TypeError (not this type) or ValueError (not this value).
Write = Callable[[Any], str]


@dataclass(frozen=True)
class Kind:
    """One type: how people write it in Python, how it travels and how it is compared."""

    name: str  # of the base type in pg_type, such as int8
    python: str  # in words, for errors and the docs
    write: Write
    quick: Callable[[list[Any]], list[str] | None] | None = None  # a whole column at once; None: look at each value
    read: Callable[[str], Any] | None = None  # a key's text as the driver would give it, where that is always exact
    by_row: bool = False  # no array of it can be made: each value is cast by itself
    as_text: bool = False  # its `=` does not exist, or calls different values the same
    is_list: bool = False  # a list may be one value of it

    def wanted(self) -> TypeError:
        return TypeError(f"give {self.python}")


def quoted(text: str) -> str:
    """An element of an array literal, or a bound of a range."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def packed(texts: Sequence[str | None]) -> str:
    """Texts as one array literal: the driver's way of packing a list takes ten times as long."""
    try:
        joined = '","'.join(texts)  # type: ignore[arg-type] # a None among them raises
    except TypeError:
        return "{" + ",".join(["NULL" if text is None else quoted(text) for text in texts]) + "}"
    if not texts:
        return "{}"
    if "\\" in joined or joined.count('"') != 2 * (len(texts) - 1):
        return "{" + ",".join([quoted(text) for text in texts if text is not None]) + "}"
    return '{"' + joined + '"}'


def written(kind: Kind, value: Any) -> str:
    """A value's text; raises TypeError or ValueError with what is wrong with it."""
    try:
        return kind.write(value)
    except TypeError as error:
        raise (error if error.args else kind.wanted()) from None

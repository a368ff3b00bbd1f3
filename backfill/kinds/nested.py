"""Types that are made of others."""

from collections.abc import Mapping
from typing import Any

from backfill.kinds.kind import Kind, quoted, written
from backfill.kinds.texts import text


def enum(name: str) -> Kind:
    return Kind(name, "a str, one of its labels", text)


def array(name: str, element: Kind) -> Kind:
    """Lists of it; lists of lists have more dimensions, except where an element is itself made of lists."""

    def write(value: Any) -> str:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, list | tuple):
            raise TypeError
        return "{" + ",".join(map(part, value)) + "}"

    def part(one: Any) -> str:
        if one is None:
            return "NULL"
        return write(one) if not element.is_list and isinstance(one, list | tuple) else quoted(written(element, one))

    return Kind(
        name, f"a list, each element {element.python}", write, by_row=True, as_text=element.as_text, is_list=True
    )


def range_of(name: str, bound: Kind) -> Kind:
    def bounded(one: Any) -> str:
        return "" if one is None else quoted(written(bound, one))

    def write(value: Any) -> str:
        if not hasattr(value, "isempty"):
            raise TypeError
        if value.isempty:
            return "empty"
        ends = "[" if value.lower_inc else "(", "]" if value.upper_inc else ")"
        return f"{ends[0]}{bounded(value.lower)},{bounded(value.upper)}{ends[1]}"

    return Kind(name, f"an asyncpg.Range, each bound {bound.python}", write, as_text=bound.as_text)


def multirange(name: str, part: Kind) -> Kind:
    def write(value: Any) -> str:
        if not isinstance(value, list | tuple):
            raise TypeError
        return "{" + ",".join(written(part, one) for one in value) + "}"

    return Kind(name, f"a list, each element {part.python}", write, as_text=part.as_text, is_list=True)

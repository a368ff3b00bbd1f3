"""Types of extensions."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from backfill.kinds.kind import Kind, quoted
from backfill.kinds.numbers import FLOAT4_MAX, finite
from backfill.kinds.texts import quick_text, text


def _hstore(value: Any) -> str:
    if isinstance(value, str):
        return text(value)
    if not isinstance(value, Mapping):
        raise TypeError
    pairs = ((quoted(text(name)), "NULL" if one is None else quoted(text(one))) for name, one in value.items())
    return ",".join(f"{name}=>{one}" for name, one in pairs)


def _vector(value: Any) -> str:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes | Mapping) or not isinstance(value, Iterable):
        raise TypeError
    return "[" + ",".join(map(finite(FLOAT4_MAX), value)) + "]"


KINDS: Final = (
    Kind("citext", "a str", text, quick_text, as_text=True),
    Kind("hstore", "a dict of str to str or None", _hstore),
    Kind("ltree", "a str", text),
    Kind("vector", "a list of numbers", _vector, is_list=True),
    Kind("halfvec", "a list of numbers", _vector, is_list=True),
    *(Kind(name, "a str", text) for name in ("cube", "seg", "ean13", "isbn", "isbn13", "issn", "issn13", "upc")),
    *(Kind(name, "a str", text) for name in ("ismn", "ismn13")),
)

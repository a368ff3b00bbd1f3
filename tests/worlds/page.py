"""The table of docs/types.md: what the tests of these worlds show of each type.

`python -m tests.worlds.page` writes it between its markers; a test fails while it is out of date.
"""

import re
from pathlib import Path

from backfill import kinds
from tests.worlds.model import NO_INDEX, Type
from tests.worlds.types import TYPES

PAGE = Path(__file__).parents[2] / "docs/types.md"
IN_CATALOG = {
    "smallint": "int2",
    "integer": "int4",
    "bigint": "int8",
    "boolean": "bool",
    "real": "float4",
    "double precision": "float8",
    "char": "bpchar",
}
BASE = {"earth": "cube", "lo": "oid"}  # domains of extensions
HEAD = ("type", "as a key", "as a column", "in Python, read", "in Python, written")


def updated(text: str) -> str:
    """The page's text with its table as the types are now."""
    block = re.compile(r"(<!-- types -->\n).*?(<!-- /types -->)", re.DOTALL)
    text, found = block.subn(lambda match: f"{match[1]}{_table()}\n{match[2]}", text)
    assert found == 1, "docs/types.md needs one <!-- types --> … <!-- /types -->"
    return text


def _table() -> str:
    rows: dict[tuple[str, ...], list[str]] = {}
    for one in TYPES:
        if "(0)" in one.name or " day" in one.name:
            continue  # fewer digits, or fields, of a type that is there already
        if not one.name.startswith(("w.", "information_schema.")) or one.title.startswith("a range"):
            rows.setdefault((_as_key(one), _as_column(one), _read(one), _written(one)), []).append(_shown(one))
    lines = [HEAD, ("---",) * len(HEAD)]
    lines += [(", ".join(dict.fromkeys(names)), *row) for row, names in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(one: Type) -> str:
    name = one.title if one.name.startswith("w.") else f"`{re.sub(r'[(].*[)]', '', one.name)}`"
    return f"{name} ({one.extension})" if one.extension not in ("", one.name.partition("(")[0]) else name


def _as_key(one: Type) -> str:
    if one.no_key:
        return "no" if one.no_key == NO_INDEX else f"no: {one.no_key}"
    return "yes; what Python cannot hold fails" if one.lost_keys else "yes"


def _as_column(one: Type) -> str:
    if not one.no_column:
        return "yes"
    why = kinds.why_not(one.name)
    return "no" if "docs/types.md" in why else f"no: {why}"


def _read(one: Type) -> str:
    return "" if one.no_column else f"`{one.read}`".replace(" or ", "`, `")


def _written(one: Type) -> str:
    if one.no_column or one.written or one.name.startswith("w."):
        return "" if one.no_column else (one.written or "an asyncpg.Range")
    bare = re.sub(r"[(].*[)]", "", one.name)
    name = BASE.get(bare, IN_CATALOG.get(bare, bare))
    kind = kinds.known(name, in_catalog=True) or kinds.known(name, in_catalog=False)
    assert kind, one
    return kind.python


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text()))

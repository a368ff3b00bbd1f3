"""Keys and columns of a storm's tables, as SQL over the number `i` of a record."""

from typing import Final

_TYPES: Final = {
    "integer": "({i})::integer - 500",
    "bigint": "({i})::bigint * 5000000000",
    "smallint": "(({i}) % 30000)::smallint",
    "uuid": "md5('storm' || ({i}))::uuid",
    "text": r"""'k' || md5(({i})::text) || E' {{}},"\\'' ' || ({i})""",
    "numeric": "({i}) / 4.0",
    "date": "date '2001-01-01' + ({i})::integer",
    "timestamptz": "timestamptz '2024-03-30 00:00+00' + ({i}) * interval '7 minutes'",
}
KEYS: Final = {
    ("bigint",): 1,
    ("integer",): 1,
    ("uuid",): 1,
    ("text",): 1,
    ("numeric",): 1,
    ("timestamptz",): 1,
    ("bigint", "smallint"): 7,
    ("text", "integer"): 7,
    ("date", "uuid"): 7,
}  # and how many records share a first column
COLUMNS: Final = ("integer", "bigint", "numeric(14,2)", "text")


def names(key: tuple[str, ...]) -> list[str]:
    return [f"k{number}" for number in range(len(key))]


def values(key: tuple[str, ...], i: str) -> list[str]:
    """SQL: the key's columns of the record with this number."""
    if len(key) == 1:
        return [_TYPES[key[0]].format(i=i)]
    return [_TYPES[key[0]].format(i=f"({i}) / {KEYS[key]}"), _TYPES[key[1]].format(i=i)]


def text(key: tuple[str, ...], row: str) -> str:
    """SQL: the key as the ledger writes it."""
    parts = [f"{row}.{name}::text" for name in names(key)]
    return parts[0] if len(parts) == 1 else f"ARRAY[{', '.join(parts)}]::text"

"""What a column's type is in Python, and the text in which a value of it travels to PostgreSQL.

Values go as text and are read by PostgreSQL's own input functions, one way for every type: what a type cannot hold is
refused by the database as it would refuse it in plain SQL, and no driver rounds, cuts or converts on the way. What the
database cannot see any more (a bool for a number, a time without its zone) is refused here.
"""

from typing import Final

from backfill.kinds import extensions, numbers, others, texts, times
from backfill.kinds.kind import Kind, packed, quoted, written
from backfill.kinds.nested import array, enum, multirange, range_of
from backfill.kinds.numbers import NUMERIC

__all__ = [
    "NAMES",
    "NUMERIC",
    "Kind",
    "array",
    "enum",
    "known",
    "multirange",
    "packed",
    "quoted",
    "range_of",
    "why_not",
    "written",
]

_PLAIN: Final = {kind.name: kind for module in (numbers, texts, times, others) for kind in module.KINDS}
_EXTENSIONS: Final = {kind.name: kind for kind in extensions.KINDS}
NAMES: Final = frozenset(_PLAIN) | frozenset(_EXTENSIONS)
_REFUSED: Final = {
    "tsvector": "a text is no tsvector before to_tsvector() has cut it into words: let PostgreSQL make it, with "
    "GENERATED ALWAYS AS (to_tsvector('english', …)) STORED",
    "tsquery": "a text is no tsquery before to_tsquery() has read it: keep it as text",
    "money": "what it means depends on lc_monetary: use numeric",
    "xml": "it cannot be compared: use text",
}


def known(name: str, *, in_catalog: bool) -> Kind | None:
    """The kind of a base type; None where a backfill cannot write it."""
    return (_PLAIN if in_catalog else _EXTENSIONS).get(name)


def why_not(name: str) -> str:
    """Why a type cannot be written, and what to use instead."""
    return _REFUSED.get(name, "see docs/types.md for the types that can be written")

"""Examples of texts; every one of them is harmless to a database, and not to one that quotes carelessly."""

from typing import Any

from tests.worlds.model import Type, text

HOSTILE = (
    "",
    " ",
    "ä𝄞\u202e\ufeff",
    "'; DROP TABLE w.t; --",
    '"',
    "\\",
    '\\"\\\\',
    "{",
    "{a,b}",
    "NULL",
    "null",
    "a,b",
    "$1 %s :x ?",
    "\n\r\t\x01\x7f",
    " a ",
    "x" * 2_000,
)
NO_TEXTS: tuple[Any, ...] = ("a\0b", "\ud800", "a\udfffb", 1, b"x", ["x"], {}, True, object())
NONDETERMINISTIC = """
    CREATE COLLATION w.folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false)
"""


def good(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple((value, text(value)) for value in values)


TEXTS = [
    Type("text", "str", good(*HOSTILE), NO_TEXTS),
    Type("varchar", "str", good(*HOSTILE), NO_TEXTS),
    Type("varchar(5)", "str", good("", "12345", "ä𝄞ß", "1234 "), ("123456", "     x", *NO_TEXTS),
         keys=("''", "'12345'", "'1234 '", "'ä'")),
    # In an array the assignment keeps blanks that fit, and the comparison before it cannot tell.
    Type("varchar(5)", "str", good("12345  ", " " * 7), ("12345 6",), keys=("'12345'", "'     '"),
         has_array=False,
         title="varchar(5) with blanks at its end"),
    Type("bpchar", "str", good("a", "ä b", '"'), NO_TEXTS),
    Type("char(5)", "str", good("", "ab", "12345", "12345   "), ("123456", *NO_TEXTS),
         keys=("''", "'ab'", "'a b'", "'12345'", "E'a\\t'")),
    Type("name", "str", good("", "id", "x" * 63, "ä" * 31), ("x" * 64, "ä" * 32, *NO_TEXTS)),
    Type('text', "str", good("a", "B", "Ä", "_"), NO_TEXTS, extra='COLLATE "C"', title='text COLLATE "C"'),
    Type("text", "str", good("a", "B", "Ä", "_"), NO_TEXTS, extra='COLLATE "und-x-icu"', in_wheel=False,
         title='text COLLATE "und-x-icu"'),
    Type("text", "str", good("a", "B", "Ä", "_", "Straße"), NO_TEXTS, setup=(NONDETERMINISTIC,),
         extra="COLLATE w.folding", in_wheel=False, title="text with a collation that is not deterministic"),
]  # fmt: skip

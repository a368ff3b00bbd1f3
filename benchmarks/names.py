"""Made-up names, every one of them another: written in many ways, but none for which SQL and Python disagree.

PostgreSQL's `lower` leaves capitals beyond ASCII alone in a database with the locale C, and never folds (ß, ς, İ):
such letters do not occur. One name in five holds something that NFKC changes or an accent.
"""

from collections.abc import Iterator
from typing import Final

FIRST: Final = (
    *("Ada", "BRUNO", "Clara", "dora", "Emil", "Frida", "GUSTAV", "Hanna", "Ivan", "juno", "Karl", "LENA"),
    *("Marta", "Nils", "olga", "Paul", "José", "zoe\u0308", "\uff2b\uff45\uff4e", "\ufb01ona"),
)
GAPS: Final = (" ", " ", "  ", " ", "\t", " ", "\u00a0")
EDGES: Final = ("", "", "", " ", "")
SYLLABLES: Final = tuple(consonant + vowel for consonant in "bdfgl" for vowel in "aeiou")
LINES_AN_ORDER: Final = 4


def people(records: int) -> Iterator[tuple[int, str]]:
    """Rows of people: id and name."""
    return ((number, made_up(number)) for number in range(1, records + 1))


def order_lines(records: int) -> Iterator[tuple[int, int, str]]:
    """Rows of order_lines: the same names in the same order."""
    for number, name in people(records):
        order, line = divmod(number - 1, LINES_AN_ORDER)
        yield order + 1, line + 1, name


def made_up(number: int) -> str:
    """The name of that number; the family name is the number itself, in syllables."""
    first, edge = FIRST[number % len(FIRST)], EDGES[number % len(EDGES)]
    return f"{edge}{first}{GAPS[number % len(GAPS)]}{_family(number).title()}{edge}"


def _family(number: int) -> str:
    syllables = []
    while number:
        number, digit = divmod(number, len(SYLLABLES))
        syllables.append(SYLLABLES[digit])
    return "".join(syllables)

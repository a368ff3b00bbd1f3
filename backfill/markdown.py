"""Markdown in which no text of somebody else's can pass for ours.

Their text stands in code spans alone, which hold neither markup, links, mentions nor HTML, and never in a table, whose
bars no two readers of Markdown take alike there.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from backfill.texts import one_line, parted

MOST: int = 500  # characters of a text
_TICKS = re.compile("`+")
# In a word: what some reader of Markdown may take for markup, a link, a mention, an emoji, or set as another sign.
_ODD = re.compile(r"[^\w.,:;%()'\"/+=!?–…×≥≤→−-]|_|[.:][^\W\d_]|//|--|\bGH-\d")
_LIST = re.compile(r"([-+]|\d+[.)])( |$)")  # what it begins
_ALONE = {"<", ">", "&", "·"}  # read as themselves where they are the whole word
_WORD = re.compile(r"([('\"]*)(.*?)([.,:;)'\"!?]*)")


def code(value: object, most: int = MOST) -> str:
    """Text of somebody else's, on one line; without any, a word of ours."""
    text = one_line(value, most)
    if not text.strip():
        return "(empty)"
    fence = "`" * (1 + max((len(ticks) for ticks in _TICKS.findall(text)), default=0))
    room = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{room}{text}{room}{fence}"


def sentence(value: object, most: int = MOST) -> str:
    """A sentence of ours with names of others in it, to stand in a list: its odd words and its command are code."""
    text = one_line(value, most).strip()
    if _LIST.match(text):
        return code(text, most)
    said, command = parted(text)
    runs = [(odd, " ".join(words)) for odd, words in groupby(said.split(), _is_odd)]
    pieces = [_odd(words) if odd else words for odd, words in runs]
    return " ".join([*pieces, code(command, most)] if command else pieces) or "(empty)"


def quote(value: object, most: int = MOST) -> str:
    """A text of whoever's, to stand in a list: as it is where no word of it is odd, else all of it code."""
    text = one_line(value, most).strip()
    return code(text, most) if _LIST.match(text) or any(map(_is_odd, text.split() or "`")) else text


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table of words and numbers of ours."""
    return [_row(columns), _row(["---"] * len(columns)), *map(_row, rows)]


def _is_odd(word: str) -> bool:
    return word.lstrip("(") not in _ALONE and _ODD.search(word) is not None


def _odd(run: str) -> str:
    """Code, and outside of it the punctuation around it."""
    before, inside, behind = _WORD.fullmatch(run).groups()  # type: ignore[union-attr]  # every text has three parts
    return f"{before}{code(inside)}{behind}" if inside else code(run)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

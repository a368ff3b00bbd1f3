"""Markdown in which no text of somebody else's can pass for ours.

Their text stands in code spans alone, which hold neither markup, links, mentions nor HTML, and never in a table, whose
bars no two readers of Markdown take alike there.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from backfill.texts import one_line, parted

MOST: int = 500  # characters of a text
_TICKS = re.compile("`+")
# In a word: what some reader of Markdown may take for markup, a link, a mention, an emoji, or set as another sign.
_ODD = re.compile(r"[^\w.,:;%()'\"/+=!?–…×≥≤→−-]|_|[.:][^\W\d_]|//|--|\bGH-\d")
_LIST = re.compile(r"([-+]|\d+[.)])( |$)")  # what it begins
_ALONE = {"<", ">", "&", "·"}  # read as themselves where they are the whole word
_BEFORE = "('\""
_PARTING = ".,:;!?)"  # behind an odd word: the next is another
MOST_IN_BRACKETS: int = 20  # words
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
    pieces = list(_pieces(said.split()))
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


def _pieces(words: Sequence[str]) -> Iterator[str]:
    """The words, of which odd ones that no punctuation parts are one piece of code."""
    place = 0
    while place < len(words):
        end = place
        while end < len(words) and _is_odd(words[end]):
            end = _closed(words, end)
            if words[end - 1][-1] in _PARTING:
                break
        if end == place:
            yield words[place]
        else:
            yield _odd(" ".join(words[place:end]))
        place = max(end, place + 1)


def _closed(words: Sequence[str], place: int) -> int:
    """Where what the odd word begins has ended: behind it, or behind the word that closes its brackets."""
    open_ones = 0
    for end in range(place, min(len(words), place + MOST_IN_BRACKETS)):
        word = words[end].lstrip(_BEFORE) if end == place else words[end]
        open_ones += word.count("(") - word.count(")")
        if open_ones <= 0:
            return end + 1
    return place + 1


def _odd(run: str) -> str:
    """Code, and outside of it the punctuation around it."""
    before, inside, behind = _WORD.fullmatch(run).groups()  # type: ignore[union-attr]  # every text has three parts
    if not inside:
        return code(run)
    own = 0  # of what is behind, what closes something inside
    for place, sign in enumerate(behind):
        so_far = inside + behind[:place]
        is_open = so_far.count("(") > so_far.count(")") if sign == ")" else so_far.count(sign) % 2 == 1
        if sign in ")'\"" and is_open:
            own = place + 1
    return f"{before}{code(inside + behind[:own])}{behind[own:]}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

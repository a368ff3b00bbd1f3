"""Texts that would rule a terminal, forge a line or mislead its reader; and whether what was printed let one out."""

import random
import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

MARK: Final = "FORGED"  # what a text would have at the beginning of a line
TURNS: Final = [chr(code) for code in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))]
FILLING: Final = [*"\xad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u3164\ufeff\uffa0\ufff9\U000e0041\U0001d173"]
HIDDEN: Final = [*TURNS, *FILLING]
CONTROLS: Final = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
BREAKS: Final = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
SEQUENCES: Final = [
    *("\x1b[2J\x1b[H", "\x1b[31m", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x9b2J", "\x1bc", "\x1b[1A\x1b[2K"),
    *("\x1b[?1049h", "\x1b[6n", "\x1bP1$r\x1b\\", "\x90q\x9c", "\x1b[8m", "\x07", "\x08" * 9),
]
WORDS: Final = [
    *("[red]", "[/red]", "[link=http://x]y[/link]", "[bold", "[/]", ":warning:", "{task.fields[more]}", "{0}", "%s"),
    *("\\", "=1+1", '"=1', "＝1", "'", '"', ";", ",", "a", "Ω", "日本", "é", "🙂", " ", "error: ", "x" * 30),
]
# Of the signs that have no shape of their own, those that are drawn all the same.
DRAWN: Final = {*"\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"}
FILLERS: Final = {*"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"}
CSI: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def texts(seed: int, count: int, *, stored: bool = False) -> Iterator[str]:
    """So many, the same for the same seed; `stored`: that PostgreSQL can hold."""
    chance = random.Random(seed)
    kinds = [CONTROLS, BREAKS, SEQUENCES, WORDS, HIDDEN, [f"{one}{MARK} line" for one in BREAKS], WORDS]
    if not stored:
        kinds.append(["\udc80", "\udfff"])  # of which no two make another sign
    for _ in range(count):
        text = "".join(chance.choice(chance.choice(kinds)) for _ in range(chance.randint(1, 6)))
        yield text.replace("\x00", "\x01") if stored else text


def is_forging(sign: str) -> bool:
    """By what Unicode says of it."""
    return (unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") and sign not in DRAWN) or sign in FILLERS


def shapes(output: str) -> set[str]:
    """The sequences in it that a terminal obeys, without their numbers."""
    return {re.sub(r"\d+", "#", found) for found in CSI.findall(output)}


def need_none(output: str, *, allowed: Collection[str] = (), tabs: bool = True) -> None:
    """Raise AssertionError where something is in it that no line of ours has: a sign, a sequence, a forged line."""
    plain = CSI.sub(lambda found: "" if re.sub(r"\d+", "#", found[0]) in allowed else found[0], output)
    lines = plain.replace("\r\n", "\n").split("\n")
    # Where a bar is drawn again, its line begins anew.
    known = {*("\n" + "\t" * tabs + "\r" * bool(allowed))}
    # Each sign is looked up once: an output has many of few.
    forging = {sign for sign in {*plain} - known if is_forging(sign)}
    for line in lines:
        found = sorted(forging.intersection(line))
        assert not found, f"{found} in {line!r}"
        assert not line.lstrip("\r").startswith(MARK), f"a forged line: {line!r}"

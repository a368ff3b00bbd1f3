"""A command line: split as a shell splits it, and shown without the passwords in it."""

import glob
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from backfill.masking import mask
from backfill.texts import one_line

MOST_FILES: Final = 10_000  # that a pattern may stand for
SECRET: Final = re.compile(
    r"(?i)(-{1,2}[\w-]*(?:password|passwd|token|secret|api-?key)|[\w]*(?:password|secret|token))(=|$)"
)


def split(text: str, folder: Path) -> list[str]:
    """The words of a line, quoted as for a shell; patterns outside quotes stand for the files that they match.

    Raises ValueError for a quote that is left open, and for too many files.
    """
    words: list[str] = []
    for pattern, word in _patterns(text):
        found: list[str] = []
        if glob.has_magic(pattern) and pattern != glob.escape(word):
            found = sorted(glob.glob(pattern, root_dir=folder))
        if len(found) + len(words) > MOST_FILES:
            raise ValueError(f"{one_line(word, 100)} matches more than {MOST_FILES:,} files; name their folder instead")
        words += found or [word]
    return words


def _patterns(text: str) -> list[tuple[str, str]]:
    """Each word as a pattern, in which what was quoted stands for itself, and as it is."""
    found: list[tuple[str, str]] = []
    pattern = word = quote = ""
    is_word = False
    rest = iter(text)
    for letter in rest:
        if not quote and letter.isspace():
            if is_word:
                found.append((pattern, word))
            pattern, word, is_word = "", "", False
            continue
        is_word = True
        if letter == quote:
            quote = ""
        elif not quote and letter in "\"'":
            quote = letter
        else:
            is_meant = bool(quote)
            if letter == "\\" and quote != "'":
                letter, before, is_meant = next(rest, ""), letter, True
                if not letter:
                    raise ValueError("it ends in a backslash; double it")
                if quote and letter not in '"\\$`':
                    letter = before + letter
            pattern, word = pattern + (glob.escape(letter) if is_meant else letter), word + letter
    if quote:
        raise ValueError(f"the quote {quote} is left open; close it")
    return [*found, (pattern, word)] if is_word else found


def shown(words: Sequence[str], most: int = 200) -> str:
    """The words on one line, without what passwords look like."""
    said, is_secret = [], False
    for word in words:
        if is_secret and not word.startswith("-"):
            said.append("***")
            is_secret = False
            continue
        hidden = SECRET.match(word)
        is_secret = bool(hidden and not hidden[2])
        said.append(f"{word[: hidden.end()]}***" if hidden and hidden[2] else mask(word))
    return one_line(" ".join(said), most)

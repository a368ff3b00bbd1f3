"""Which files a path or a glob means."""

import glob
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

EVERY_FOLDER: Final = "**"
MOST_ENTRIES: Final = 200_000  # of folders that are gone through


def found(pattern: str, folder: Path, is_time_up: Callable[[], bool]) -> list[str]:
    """Paths of what is there; a path that is there as it stands is no glob.

    Raises ValueError where `**` leads through more than can be gone through.
    """
    path = os.path.join(folder, os.path.expanduser(pattern))
    if os.path.lexists(path):
        return [path]
    parts = path.split(os.sep)
    if EVERY_FOLDER not in parts:
        return glob.glob(path)
    first = parts.index(EVERY_FOLDER)
    wanted = re.compile(_expression(parts[first:]))
    begins = glob.glob(os.sep.join(parts[:first]) or os.sep)
    return sorted({one for begin in begins for one in _below(begin, wanted, pattern, is_time_up)})


def _below(begin: str, wanted: re.Pattern[str], pattern: str, is_time_up: Callable[[], bool]) -> Iterator[str]:
    seen = 0
    # Links to folders may lead round in circles.
    for place, folders, files in os.walk(begin, followlinks=False):
        folders[:] = [one for one in folders if not one.startswith(".")]
        seen += len(folders) + len(files)
        if seen > MOST_ENTRIES or is_time_up():
            raise ValueError(f"{pattern} leads through more than {seen:,} files and folders; name fewer")
        for name in files:
            path = os.path.join(place, name)
            if wanted.fullmatch(os.path.relpath(path, begin)):
                yield path


def _expression(parts: list[str]) -> str:
    *folders, name = parts
    text = "".join(r"(?:[^/.][^/]*/)*" if one == EVERY_FOLDER else f"{_of_one(one)}/" for one in folders)
    return text + (r"(?:[^/.][^/]*/)*[^/.][^/]*" if name == EVERY_FOLDER else _of_one(name))


def _of_one(part: str) -> str:
    """Of a name, in which no star stands for a slash, nor for a dot at its beginning."""
    text = "" if part.startswith(".") else r"(?!\.)"
    for one in re.findall(r"\*+|\?|\[[!^]?\]?[^\]]*\]|.", part, re.S):
        if one[0] == "*":
            text += "[^/]*"
        elif one == "?":
            text += "[^/]"
        elif one[0] == "[" and len(one) > 1:
            inner = one[1:-1].replace("\\", r"\\")
            text += f"[{'^' + inner[1:] if inner[0] == '!' else inner}]"
        else:
            text += re.escape(one)
    return text

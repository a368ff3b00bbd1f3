"""Write a report's page where it was asked for, so that whoever reads it sees one report or the other."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from backfill.errors import BackfillError


def write(file: Path, text: str) -> None:
    """Put the text in place of the file's, or into what is no file; a link stays one, and rights stay as they are.

    Raises BackfillError where it cannot be written.
    """
    try:
        there = os.stat(file) if file.exists() else None
        if there is not None and not stat.S_ISREG(there.st_mode):
            _into(file, text)
        else:
            _instead(file.resolve(), text, None if there is None else stat.S_IMODE(there.st_mode))
    except (OSError, RuntimeError) as error:  # the latter of links that lead to each other
        why = getattr(error, "strerror", None) or "its links lead nowhere"
        raise BackfillError(f"cannot write {file}: {why}; name another file") from error


def _into(file: Path, text: str) -> None:
    """A pipe or a device is what others have open by that name; a pipe that nobody reads is not waited for."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    os.set_blocking(descriptor, True)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _instead(file: Path, text: str, mode: int | None) -> None:
    """A new file that takes the name; its own is one that nobody else can have put there, or writes to."""
    new = file.with_name(f".{secrets.token_hex(8)}.new")
    try:
        with open(
            os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "w", encoding="utf-8"
        ) as to:
            if mode is not None:
                os.fchmod(to.fileno(), mode)
            to.write(text)
        new.replace(file)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise

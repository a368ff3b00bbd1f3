"""Files that no other user can have put where we look: a link is never followed, a foreign file never read."""

import errno
import os
import pwd
import stat
from pathlib import Path

from backfill.errors import UsageError


def trusted() -> set[int]:
    """Who may exchange our files: we, root, and whoever could exchange the program itself, as in a mounted checkout."""
    return {0, os.geteuid(), os.stat(__file__).st_uid}


def read(file: Path, *, of: int | None = None) -> str:
    """The text of a file of whom we trust, or of that user's alone.

    Raises UsageError for a link, another user's file or no plain file, OSError as `open` does.
    """
    with open(opened(file, os.O_RDONLY, of=of)) as text:
        return text.read()


def opened(file: Path, flags: int, *, of: int | None = None) -> int:
    """A descriptor of such a file, which is made for us alone; what was opened is what was looked at.

    Raises UsageError for a link, another user's file or no plain file, OSError as `open` does.
    """
    try:
        # Not blocking: a pipe that another user put there would keep us waiting.
        descriptor = os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UsageError(f"{file} is a link, which is not followed; remove it, or choose another folder") from None
        raise
    found = os.fstat(descriptor)
    problem = None
    if not stat.S_ISREG(found.st_mode):
        problem = "is no plain file; remove it, or choose another folder"
    elif found.st_uid not in (trusted() if of is None else {of}):
        problem = f"belongs to {name(found.st_uid)}; run this as {name(found.st_uid)}, or choose another folder"
    if problem:
        os.close(descriptor)
        raise UsageError(f"{file} {problem}")
    return descriptor


def name(user: int) -> str:
    """How a person knows the user."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"

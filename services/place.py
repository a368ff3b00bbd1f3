"""The folder of the services: no other user can exchange it, or anything on the way to it."""

import grp
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from backfill import owned
from backfill.errors import UsageError

ELSEWHERE: Final = "choose another folder (--folder or BACKFILL_HOME)"
LINKS: Final = 40  # as many as the system follows


def make(folder: Path) -> None:
    """Make it, with what is missing above it; raises UsageError where another user could exchange any of it."""
    try:
        _walk(folder, create=True)
    except OSError as error:
        raise UsageError(f"cannot write to {folder} ({error.strerror}); choose another folder") from error


def check(folder: Path) -> None:
    """Raise UsageError where another user could exchange it, or a folder or link on the way; it need not be there."""
    try:
        _walk(folder, create=False)
    except OSError as error:
        raise UsageError(f"cannot look at {folder} ({error.strerror}); choose another folder") from error


def _walk(folder: Path, *, create: bool) -> None:
    # From the top: what lies in a folder that nobody else can change is still there once it has been looked at.
    # Of the top itself nobody is asked: in a container it may belong to a user who is unknown there.
    here, left, links = Path("/"), [*reversed(folder.absolute().parts[1:])], 0
    trusted = owned.trusted() | _strangers()
    while left:
        part = left.pop()
        if part == "..":
            here = here.parent
            continue
        path = here / part
        found = _looked_at(path, 0o755 if left else 0o711, create=create)
        if found is None:
            return
        if found.st_uid not in trusted:
            owner = owned.name(found.st_uid)
            raise UsageError(f"{path} belongs to {owner}, who may exchange what is in it; {ELSEWHERE}")
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if not left or links > LINKS:
                raise UsageError(f"{path} is a link; name the folder that it leads to ({os.readlink(path)})")
            target = Path(os.readlink(path))
            if target.is_absolute():
                here, target = Path("/"), target.relative_to("/")
            left += reversed(target.parts)
            continue
        if not stat.S_ISDIR(found.st_mode):
            raise UsageError(f"{path} is no folder; choose another folder")
        # Where a folder is sticky, as /tmp is, others may add to it, but not exchange what is ours.
        sticky = bool(found.st_mode & stat.S_ISVTX)
        if _others_write(path, found) and not (sticky and left):
            way_out = f"name a folder in it, or {ELSEWHERE}" if sticky else f"chmod go-w {path}, or {ELSEWHERE}"
            raise UsageError(f"others may write to {path}; {way_out}")
        here = path


def _looked_at(path: Path, mode: int, *, create: bool) -> os.stat_result | None:
    with suppress(FileNotFoundError):
        return os.lstat(path)
    if not create:
        return None
    with suppress(FileExistsError):  # made by somebody meanwhile: it is looked at like any other
        path.mkdir(mode)
    return os.lstat(path)


def _strangers() -> set[int]:
    """The id that stands for everybody whom this user namespace does not know, root outside of it among them."""
    try:
        stranger = int(Path("/proc/sys/kernel/overflowuid").read_text())
        known = [list(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except (OSError, ValueError):  # not Linux
        return set()
    return set() if any(first <= stranger < first + count for first, _, count in known) else {stranger}


def _others_write(path: Path, found: os.stat_result) -> bool:
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and (_has_list(path) or _is_shared(found.st_gid, found.st_uid))


def _has_list(path: Path) -> bool:
    """Whether an access list stands behind the group's bits."""
    with suppress(OSError, AttributeError):  # a file system, or a system, without them
        return "system.posix_acl_access" in os.listxattr(path)
    return False


def _is_shared(group: int, owner: int) -> bool:
    """Whether anybody but the owner and root is in the group: Debian gives each user a group of his own."""
    try:
        members = set(grp.getgrgid(group).gr_mem)
    except KeyError:
        return True
    members |= {entry.pw_name for entry in pwd.getpwall() if entry.pw_gid == group}
    return bool(members - {owned.name(owner), "root"})

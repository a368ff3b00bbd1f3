"""The operating system's account that root lends to the services, and folders that this account can reach."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from backfill import owned
from backfill.errors import UsageError
from backfill.services import place

OUTSIDE: Final = "backfill-services-"  # begins the name of a folder beyond the one that was asked for
KEPT: Final = {"PATH", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH"}


def lent() -> str | None:
    """A server needs none of root's rights, so root lends it an account; None for anyone else."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def identity(account: str | None) -> dict[str, Any]:
    """The arguments that make ``subprocess`` run something as the account; raises UsageError when it has gone."""
    if account is None:
        return {}
    try:
        entry = pwd.getpwnam(account)
    except KeyError:
        raise UsageError(
            f"the account {account}, which the services run under, has gone; create it, "
            "or begin anew: backfill services down --delete"
        ) from None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def environment() -> dict[str, str]:
    """What a server may know of ours: no password, token or key of anything else."""
    return {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("LC_")}


def permits(account: str | None, test: str, path: Path) -> bool:
    """Ask the system itself, as the account: the modes and access lists of every parent count."""
    command = ["/usr/bin/test", test, str(path)]
    done = subprocess.run(command, cwd="/", check=False, timeout=10, **identity(account))  # noqa: S603
    return done.returncode == 0


def home(wanted: Path, account: str | None) -> Path:
    """An empty folder, ours until it is given; elsewhere when the account cannot come to the wanted one."""
    place.make(wanted.parent)
    if wanted.is_symlink():
        raise UsageError(f"{wanted} is a link; remove it, or name the folder that it leads to with --folder")
    shutil.rmtree(wanted, ignore_errors=True)
    if permits(account, "-x", wanted.parent):
        wanted.mkdir(mode=0o700)
        return wanted
    shared = Path("/var/tmp")  # noqa: S108 - a private folder is made in it; unlike /tmp it survives a reboot
    outside = Path(tempfile.mkdtemp(prefix=OUTSIDE, dir=shared if shared.is_dir() else None))
    place.check(outside)
    outside.chmod(0o711)  # ours: in a folder of its own the account could exchange what is in it, but not the folder
    (outside / wanted.name).mkdir(mode=0o700)
    return outside / wanted.name


def give(folder: Path, account: str | None) -> None:
    """Make a folder of ours the account's, with all that is in it; links in it are not followed."""
    if account is None:
        return
    owner = identity(account)
    # The folder itself last: until then nobody else can change what is in it.
    for _, folders, files, descriptor in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            os.chown(name, owner["user"], owner["group"], dir_fd=descriptor, follow_symlinks=False)
    os.chown(folder, owner["user"], owner["group"], follow_symlinks=False)


def said(file: Path, account: str | None) -> str:
    """The text of a file that a server under the account wrote; nothing when there is none, or it is another's."""
    with suppress(OSError, UsageError, UnicodeDecodeError):
        return owned.read(file, of=identity(account).get("user", os.geteuid()))
    return ""


def remove(folder: Path) -> None:
    """Remove what ``home`` made."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.name.startswith(OUTSIDE):
        with suppress(OSError):
            folder.parent.rmdir()

"""The operating system's account that PostgreSQL runs under, and a folder that this account can reach."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any


def lent() -> str | None:
    """PostgreSQL refuses to run as root, so root lends it an account; None for anyone else."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def identity(account: str | None) -> dict[str, Any]:
    """The arguments that make ``subprocess`` run something as the account."""
    if account is None:
        return {}
    entry = pwd.getpwnam(account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def permits(account: str | None, test: str, path: Path) -> bool:
    """Ask the system itself, as the account: the modes and access lists of every parent count."""
    command = ["/usr/bin/test", test, str(path)]
    done = subprocess.run(command, cwd="/", check=False, timeout=10, **identity(account))  # noqa: S603
    return done.returncode == 0


def home(wanted: Path, account: str | None) -> Path:
    """An empty folder that the account owns and can reach, elsewhere when a parent is closed to it."""
    shutil.rmtree(wanted, ignore_errors=True)
    wanted.mkdir(mode=0o700, parents=True)
    if account is None:
        return wanted
    shutil.chown(wanted, account)
    if permits(account, "-w", wanted):
        return wanted
    wanted.rmdir()
    shared = Path("/var/tmp")  # noqa: S108 - a private folder is made in it; unlike /tmp it survives a reboot
    elsewhere = tempfile.mkdtemp(prefix="backfill-postgres-", dir=shared if shared.is_dir() else None)
    shutil.chown(elsewhere, account)
    return Path(elsewhere)

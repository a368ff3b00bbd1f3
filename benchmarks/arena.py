"""Where contenders meet: private services, one pristine copy of the data, a fresh copy of it for every run."""

import itertools
import json
import os
import shutil
import sys
import tempfile
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from backfill import door, services
from backfill.services import Services
from benchmarks import commands, sql

PREFIXES = ("BACKFILL_", "PG")
GIVEN = ("DATABASE_URL", "RABBITMQ_URL", "RABBITMQ_MANAGEMENT_URL")
SECONDS_A_RECORD = 0.005  # far slower than anything here: a deadline, no measure


@dataclass(frozen=True)
class Site:
    """One run's own database and virtual host."""

    database_url: str
    amqp_url: str
    environment: dict[str, str]


class Arena:
    """Makes templates once and copies of them; everything is gone with the services."""

    def __init__(self, running: Services, folder: Path) -> None:
        assert running.management_url, "private RabbitMQ comes with its management API"
        self.services = running
        self.folder = folder
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        self._environment = {
            name: value for name, value in os.environ.items() if name not in GIVEN and not name.startswith(PREFIXES)
        }

    def template(self, kind: str, records: int) -> str:
        """The name of a database with the ledger and so many records of that kind, made when first asked for."""
        name = f"{kind}_{records}"
        if name not in self._templates:
            door.line(f"making {records:,} {kind} …", beside=True)
            sql.execute(self.services.database_url, f"CREATE DATABASE {name}")
            url = with_path(self.services.database_url, name)
            # In a process of its own: what it takes in memory is nobody's figure.
            commands.run(
                [sys.executable, "-m", "benchmarks.data", kind, str(records)],
                self._environment | {"DATABASE_URL": url},
                deadline=120 + records * SECONDS_A_RECORD,
            )
            self._templates[name] = name
        return name

    @contextmanager
    def site(self, template: str) -> Iterator[Site]:
        """A byte-for-byte copy of the template and an empty virtual host, both removed afterwards."""
        name = f"run_{next(self._numbers)}"
        sql.execute(self.services.database_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        self._virtual_host("PUT", name)
        urls = {
            "DATABASE_URL": with_path(self.services.database_url, name),
            "RABBITMQ_URL": with_path(self.services.amqp_url, name),
        }
        try:
            yield Site(*urls.values(), self._environment | urls | {"NO_COLOR": "1"})
        finally:
            self._virtual_host("DELETE", name)
            sql.execute(self.services.database_url, f"DROP DATABASE {name} WITH (FORCE)")

    def _virtual_host(self, method: str, name: str) -> None:
        self._management(method, f"/vhosts/{name}")
        if method == "PUT":
            user = urlsplit(self.services.amqp_url).username
            everything = {"configure": ".*", "write": ".*", "read": ".*"}
            self._management("PUT", f"/permissions/{name}/{user}", everything)

    def _management(self, method: str, path: str, body: object = None) -> bytes:
        parts = urlsplit(self.services.management_url or "")
        login = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        request = urllib.request.Request(
            f"http://{parts.hostname}:{parts.port}/api{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return response.read()

    def rabbitmq_version(self) -> str:
        return str(json.loads(self._management("GET", "/overview"))["rabbitmq_version"])


@contextmanager
def arena() -> Iterator[Arena]:
    """Start durable services of the benchmark's own, and remove them with all their data in the end.

    Never those of DATABASE_URL and RABBITMQ_URL: a benchmark loads a server as nobody wants his own to be.
    """
    for name in GIVEN:
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="backfill-benchmarks-"))
    folder.chmod(0o711)  # PostgreSQL runs under another account where we are root
    try:
        door.line("starting private services …", beside=True)
        yield Arena(services.up(folder, durable=True), folder)
    finally:
        services.down(folder, delete=True)
        shutil.rmtree(folder, ignore_errors=True)


def with_path(url: str, path: str) -> str:
    """The same server, another database or virtual host."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


def ready(site: Site) -> None:
    """The same start for every contender: all tables read once, and nothing left to write."""
    tables = sql.row(
        site.database_url,
        "SELECT array_agg(relname::text) AS names FROM pg_stat_user_tables WHERE relname NOT LIKE 'backfill%'",
    )["names"]
    sql.execute(site.database_url, *(f"SELECT count(*) FROM {table}" for table in tables), "CHECKPOINT")

"""`backfill demo`: everything once, on private services and made-up killmails, and nothing left behind."""

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from backfill.console import note, reporting
from backfill.errors import BackfillError, UsageError

EXAMPLE: Final = "examples.killmails"
STEP_SECONDS: Final = 300


@click.command()
@click.option("--killmails", type=click.IntRange(100, 1_000_000), default=100_000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 16), default=3, show_default=True)
def demo(killmails: int, workers: int) -> None:
    """Fill the values of generated killmails: services, tables, a queue, workers, a verdict."""
    with reporting():
        began = time.monotonic()
        with _environment() as environment:
            run = _Steps(environment)
            run("Tables and ledger", sys.executable, "-m", EXAMPLE, "schema")
            run(f"{killmails:,} killmails", sys.executable, "-m", EXAMPLE, "generate", "--killmails", str(killmails))
            run("", _script("backfill"), "init")
            run("Queue", _script("backfill-queue"), "--mode=null", shorten=True)
            _work(environment, workers)
            run("Progress as the ledger has it", _script("backfill"), "status", "latest")
            run("Verdict from SQL", sys.executable, "-m", EXAMPLE, "verify")
            click.echo(f"\nDone in {time.monotonic() - began:.1f} s; stopping what was started.")


class _Steps:
    """Runs one command after another and shows each as a person would type it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def __call__(self, title: str, *command: str, shorten: bool = False) -> None:
        if title:
            click.echo(f"\n== {title}")
        click.echo(f"$ {' '.join([Path(command[0]).name, *command[1:]])}")
        with subprocess.Popen(  # noqa: S603 - our own commands
            command, env=self._environment, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as process:
            assert process.stdout is not None  # noqa: S101 - asked for just above
            for line in process.stdout:
                batch = line.startswith("Queued batch") and int(line.split()[2].replace(",", ""))
                if not (shorten and batch and batch % 50):
                    click.echo(f"  {line.rstrip()}")
            if process.wait(timeout=STEP_SECONDS):
                raise BackfillError(f"{Path(command[0]).name} ended with exit code {process.returncode}; see above")


def _work(environment: dict[str, str], workers: int) -> None:
    """Run the Procfile's workers until nothing is left, as a developer would."""
    if not Path("Procfile").is_file():
        raise UsageError("no Procfile in this folder; run the demo in a checkout of the toolkit")
    _Steps({**environment, "WORKER_FLAGS": "--burst --stats-interval=20000"})(
        f"{workers} workers under the Procfile",
        _script("honcho"),
        "--no-colour",
        "start",
        "-c",
        f"worker={workers}",
    )


@contextmanager
def _environment() -> Iterator[dict[str, str]]:
    """Services of the demo's own, or a database of its own on the server of DATABASE_URL; gone afterwards."""
    from backfill import services

    home = Path(os.environ.get("BACKFILL_HOME", ".backfill")).absolute() / f"demo-{secrets.token_hex(4)}"
    click.echo("== Services")
    try:
        started = services.up(home / "services", say=lambda text: click.echo(f"  {text}"))
        database_url = asyncio.run(_own_database(started.database_url, "create"))
        try:
            environment = {
                **os.environ,
                "DATABASE_URL": database_url,
                "RABBITMQ_URL": started.amqp_url,
                "BACKFILL_APP": f"{EXAMPLE}:KillmailValues",
                "PYTHONUNBUFFERED": "1",
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            }
            click.echo("  PostgreSQL and RabbitMQ answer.")
            yield environment
        finally:
            asyncio.run(_own_database(database_url, "drop"))
            asyncio.run(_delete_queues(started.amqp_url))
    finally:
        note("  stopping")
        services.down(home / "services", delete=True)
        shutil.rmtree(home, ignore_errors=True)


async def _own_database(url: str, action: str) -> str:
    """Create a database beside the one of the URL, or drop the one of the URL; returns the URL that is then valid."""
    import asyncpg

    from backfill.database import connected, quote

    server, _, name = url.partition("?")[0].rpartition("/")
    options = url[len(url.partition("?")[0]) :]
    if action == "create":
        own = f"backfill_demo_{secrets.token_hex(4)}"
        async with connected(url, name="backfill-demo") as connection:
            try:
                await connection.execute(f"CREATE DATABASE {quote(own)}")
            except asyncpg.InsufficientPrivilegeError as error:
                raise UsageError(
                    "the demo makes a database of its own, but the role of DATABASE_URL may not; "
                    "unset DATABASE_URL for private services, or grant CREATEDB"
                ) from error
        return f"{server}/{own}{options}"
    async with connected(f"{server}/postgres{options}", name="backfill-demo") as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")
    return url


async def _delete_queues(url: str) -> None:
    """Leave nothing in a broker that is not ours; private ones are deleted as a whole anyway."""
    from backfill.broker import connected
    from backfill.settings import read
    from backfill.topology import Topology, delete

    async with connected(url, name="backfill-demo", heartbeat=10) as connection:
        await delete(connection, Topology("killmail_values"), read().retry_delays)


def _script(name: str) -> str:
    """A command of the same environment as this one."""
    return str(Path(sys.executable).parent / name)

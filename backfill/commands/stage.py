"""Where the demo plays: services, a database and queues of its own, and none of them left behind."""

import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from backfill import door, private
from backfill.console import note
from backfill.errors import UsageError
from backfill.eventloop import run

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stage(app: str, *names: str) -> Iterator[dict[str, str]]:
    """Services of the demo's own, or a database of its own on the server of DATABASE_URL; gone afterwards.

    `names` are those of the backfills whose queues are deleted.
    """
    with _leaving_in_order(), _set(app, names) as environment:
        yield environment


@contextmanager
def _set(app: str, names: Iterable[str]) -> Iterator[dict[str, str]]:
    from backfill import services
    from backfill.services import state

    home = Path(os.environ.get("BACKFILL_HOME", ".backfill")).absolute() / f"demo-{secrets.token_hex(4)}"
    door.line("== Services")
    try:
        started = services.up(home / "services", say=lambda text: door.line(f"  {text}"))
        database_url = run(_own_database(started.database_url, "create"))
        try:
            environment = {
                **os.environ,
                "DATABASE_URL": database_url,
                "RABBITMQ_URL": started.amqp_url,
                "BACKFILL_APP": app,
                "PYTHONUNBUFFERED": "1",
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            }
            door.line("  PostgreSQL and RabbitMQ answer.")
            # For whoever looks at what runs here; no command works in a demo's database because of it.
            state.write_urls(home, {"database_url": database_url, "rabbitmq_url": started.amqp_url})
            yield environment
        finally:
            (home / private.FILE).unlink(missing_ok=True)
            run(_own_database(database_url, "drop"))
            run(_delete_queues(started.amqp_url, names))
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


async def _delete_queues(url: str, names: Iterable[str]) -> None:
    """Leave nothing in a broker that is not ours; private ones are deleted as a whole anyway."""
    from backfill.broker import connected
    from backfill.settings import read
    from backfill.topology import Topology, delete

    async with connected(url, name="backfill-demo", heartbeat=10) as connection:
        for name in names:
            await delete(connection, Topology(name), read().retry_delays)


@contextmanager
def _leaving_in_order() -> Iterator[None]:
    """Let a signal lead through every `finally`, so that what was started is stopped; a second one changes nothing."""

    def leave(number: int, _: object) -> None:
        for one in ENDING:
            signal.signal(one, _ignore)  # no SIG_IGN: what is started to stop the services would inherit it
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    before = {one: signal.signal(one, leave) for one in ENDING}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _ignore(*_: object) -> None:
    note("  stopping already")

"""The server, from its first connection to its last."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from backfill import application as definitions_module
from backfill.cancelling import cancel
from backfill.definition import Definition
from backfill.errors import UsageError
from backfill.settings import Settings
from backfill.web import application, ledger, listening, looks
from backfill.web.callers import Callers, Tokens
from backfill.web.hub import Hub
from backfill.web.link import Link
from backfill.web.place import Place
from backfill.web.planning import Planning
from backfill.web.process import Processing

NAMES: Final = frozenset({"localhost"})
NO_APP: Final = "no app was given: start the server with --app module:Class, or set BACKFILL_APP"


@dataclass(frozen=True)
class Options:
    """What stands on the command line."""

    host: str
    port: int
    allowed: tuple[str, ...]
    root_path: str
    profiles: tuple[str, ...] = ()  # of the monitor


def is_of_this_machine(name: str) -> bool:
    """Whether nobody else can ask by this name, whatever resolves it."""
    try:
        return name.lower().rstrip(".") in NAMES or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def serve(settings: Settings, options: Options, say: Callable[[str], None]) -> None:
    """Serve until told to stop.

    Raises UnreachableError or SchemaError where the ledger cannot be had, UsageError for what was given wrongly.
    """
    definitions: dict[str, Definition] = definitions_module.load(settings.app) if settings.app else {}
    watching = looks.given(options.profiles)
    root_path = f"/{options.root_path.strip('/')}" if options.root_path.strip("/") else ""
    async with ledger.opened(settings) as found:
        known = Tokens(found)
        # A name or a path is a proxy's, and who stands before that is anybody.
        is_exposed = bool(root_path) or not (
            listening.is_loopback(options.host) and all(map(is_of_this_machine, options.allowed))
        )
        if is_exposed and not (await known.live()).tokens:
            places = ", ".join(filter(None, (options.host, *options.allowed, root_path)))
            raise UsageError(
                f"others than this machine could ask at {places}, and there is no "
                "token: make one (backfill token create NAME --role=operate), or listen on 127.0.0.1"
            )
        made = listening.bound(options.host, options.port)
        async with asyncio.TaskGroup() as tasks:
            link = Link(settings)
            planning = Planning(settings, definitions, say)
            processing = Processing(settings)
            own = [
                tasks.create_task(link.keep(), name="the link to RabbitMQ"),
                tasks.create_task(planning.run(), name="planning"),
            ]
            # Cookies know no ports: servers of one machine would sign each other's users out.
            callers = Callers(known, is_exposed=is_exposed, cookie=f"backfill_session_{made.getsockname()[1]}")
            hub = Hub(tasks)
            place = Place(
                settings,
                definitions,
                None if definitions else NO_APP,
                found,
                link,
                callers,
                hub,
                planning,
                processing,
                watching,
                datetime.now(UTC),
            )
            hosts = {options.host, *options.allowed, *((socket.gethostname(),) if is_exposed else ())}
            names = NAMES | {one.lower().rstrip(".") for one in hosts}

            def stopping() -> None:
                hub.end()
                watching.end()

            server = listening.Server(
                application.made(place, names),
                root_path,
                lambda: say(f"Page: {listening.url(made, options.host)}{root_path}/"),
                stopping,
            )
            try:
                await server.serve(sockets=[made])
            finally:
                stopping()
                await hub.ended()
                await cancel(own)
                await asyncio.gather(planning.close(), processing.close(), watching.close())
    say("Stopped.")

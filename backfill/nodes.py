"""The nodes of RABBITMQ_URL: one, or several of a cluster with `;` between them, tried in turn."""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AuthenticationError, ProbableAuthenticationError

from backfill.calls import CALL_SECONDS, BrokerLostError, bounded
from backfill.errors import RefusedError, UnreachableError, UsageError
from backfill.frames import Guarded
from backfill.masking import BETWEEN_URLS, mask

# Which node of a URL answered last: a silent one is waited for once, not at every connect.
_answered: Final[dict[str, str]] = {}


class Link(aio_pika.Connection):
    """One that was never opened is closed: else it would close again whenever memory is tidied up, outside a loop.

    It reads only what the client can bear.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.kwargs["transport_factory"] = Guarded()

    async def connect(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the client's own signature
        try:
            await super().connect(timeout)
        except BaseException:
            await self.close()
            raise

    def __del__(self) -> None:
        """Where no loop runs, the client's own makes a call that nobody awaits."""
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            super().__del__()


def addresses(url: str) -> list[str]:
    """The URL of each node; raises UsageError for what is no AMQP URL, before any driver sees it."""
    nodes = [one for one in BETWEEN_URLS.split(url.strip().rstrip(";")) if one]
    for node in nodes or [url]:
        try:
            parts = urlsplit(node)
            usable = parts.scheme in ("amqp", "amqps") and bool(parts.hostname) and (parts.port or 1) > 0
            # Two URLs, the second of them without its scheme.
            usable = usable and ";" not in (parts.hostname or "") + parts.path
        except ValueError:
            usable = False
        if not usable:
            raise UsageError(
                f"RABBITMQ_URL {mask(node)!r} is no AMQP URL; write amqp://user:password@host:5672/vhost, "
                "for the nodes of a cluster several with ; between them"
            )
    return nodes


async def connect(url: str, *, name: str, heartbeat: int) -> AbstractConnection:
    """Open a connection that the management page shows under `name`, to the first node that lets us in.

    Raises RefusedError when all that were tried refuse, else UnreachableError.
    """
    nodes = sorted(addresses(url), key=lambda node: node != _answered.get(url))
    refusals: list[RefusedError] = []
    tried: list[str] = []
    for node in nodes:
        try:
            async with bounded():
                connection = await aio_pika.connect(
                    node,
                    timeout=CALL_SECONDS,
                    heartbeat=heartbeat,
                    client_properties={"connection_name": f"{name}@{socket.gethostname()}"},
                    connection_class=Link,
                )
        except BrokerLostError as error:
            if refusal := _refusal(mask(node), error):
                refusals.append(refusal)
            tried.append(f"{mask(node)} ({'refused' if refusal else error})")
        else:
            _answered[url] = node
            return connection
    if len(refusals) == len(nodes):
        raise refusals[0]
    raise UnreachableError(
        f"cannot reach RabbitMQ at {' or '.join(tried)}; start it, correct RABBITMQ_URL, "
        "or start private services with: backfill services up"
    )


def _refusal(where: str, error: BrokerLostError) -> RefusedError | None:
    """The error as a sentence, when the node answers and refuses."""
    if isinstance(error.__cause__, AuthenticationError | ProbableAuthenticationError):
        return RefusedError(f"RabbitMQ at {where} refuses the login; correct RABBITMQ_URL")
    # The client reports a refused virtual host as the wrong answer to its Connection.Open; one that starts is `down`.
    text = str(error)
    if ("Connection.OpenOk" in text or "NOT_ALLOWED" in text) and "is down" not in text:
        return RefusedError(
            f"RabbitMQ at {where} does not let this user into the vhost; create it with permissions, "
            "or correct RABBITMQ_URL"
        )
    return None

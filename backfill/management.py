"""RabbitMQ's management API, for the one thing that AMQP does not tell: what is delivered and not acknowledged."""

import asyncio
import http.client
import json
import time
import urllib.request
from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from backfill.errors import UnreachableError, UsageError
from backfill.masking import mask

SECONDS: Final = 5.0
MOST_BYTES: Final = 64 * 1024 * 1024
COLUMNS: Final = "name,messages_unacknowledged"


async def unacknowledged(management_url: str, amqp_url: str, seconds: float = 2 * SECONDS) -> dict[str, int]:
    """By queue of the virtual host of an AMQP URL, as statistics have it, some seconds old.

    Raises UnreachableError when the API does not answer in time.
    """
    # In a thread: it has no event loop in it, and is asked once by a command.
    try:
        async with asyncio.timeout(seconds):
            path = f"/queues/{_vhost(amqp_url)}?columns={COLUMNS}"
            found = await asyncio.to_thread(_get, management_url, path, seconds / 2)
            # A queue that is new has no statistics yet.
            return {one["name"]: int(one.get("messages_unacknowledged") or 0) for one in found}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        why = str(error) or type(error).__name__
        raise UnreachableError(
            f"RabbitMQ's management API at {mask(management_url)} does not answer ({why}); "
            "correct RABBITMQ_MANAGEMENT_URL"
        ) from error


def _vhost(amqp_url: str) -> str:
    path = urlsplit(amqp_url.partition(";")[0]).path
    return quote(unquote(path[1:]) or "/", safe="")


def _get(management_url: str, path: str, seconds: float) -> Any:
    parts = urlsplit(management_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"RABBITMQ_MANAGEMENT_URL {mask(management_url)!r} is no URL; write http://user:password@host:15672"
        )
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], f"{parts.path.rstrip('/')}/api{path}", "", "")),
        headers={"Authorization": "Basic " + b64encode(login.encode()).decode()},
    )
    # Straight there, by no proxy, and nowhere else: the request has the password.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Staying)
    until, answer = time.monotonic() + seconds, bytearray()
    with opener.open(request, timeout=seconds) as response:
        while part := response.read1(65_536):
            answer += part
            if len(answer) > MOST_BYTES or time.monotonic() > until:
                raise TimeoutError("its answer is too large, or too slow")
    return json.loads(answer)


class _Staying(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None

"""Virtual hosts of a RabbitMQ, made and removed through its management API."""

import json
import secrets
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.support.logins import as_role
from tests.support.waiting import eventually


def call(management_url: str, method: str, path: str, body: object = None) -> Any:
    """One call of the management API; ``path`` starts after ``/api``."""
    parts = urlsplit(management_url)
    request = urllib.request.Request(  # noqa: S310 - our own broker
        urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], f"{parts.path.rstrip('/')}/api{path}", "", "")),
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": "Basic " + b64encode(f"{parts.username}:{parts.password}".encode()).decode(),
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
        text = response.read()
    return json.loads(text) if text else None


@contextmanager
def new_vhost(amqp_url: str, management_url: str) -> Iterator[str]:
    """The AMQP URL of a virtual host that is removed afterwards with its queues and connections."""
    name = f"test-{secrets.token_hex(6)}"
    call(management_url, "PUT", f"/vhosts/{name}")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    call(management_url, "PUT", f"/permissions/{name}/{urlsplit(amqp_url).username}", everything)
    try:
        yield with_path(amqp_url, name)
    finally:
        call(management_url, "DELETE", f"/vhosts/{name}")


@contextmanager
def policy(amqp_url: str, management_url: str, pattern: str, **definition: int) -> Iterator[None]:
    """A policy of somebody else's over queues of the virtual host: `message_ttl=1000` and the like."""
    path = f"/policies/{urlsplit(amqp_url).path.strip('/')}/foreign"
    settings = {name.replace("_", "-"): value for name, value in definition.items()}
    call(management_url, "PUT", path, {"pattern": pattern, "definition": settings, "apply-to": "queues"})
    try:
        yield
    finally:
        call(management_url, "DELETE", path)


@contextmanager
def new_user(amqp_url: str, management_url: str, **permissions: str) -> Iterator[str]:
    """The URL of the same virtual host as a user of its own, who may do everything there unless told otherwise."""
    name, password = f"user-{secrets.token_hex(6)}", secrets.token_hex(12)
    set_password(management_url, name, password)
    vhost = urlsplit(amqp_url).path.strip("/")
    allowed = {"configure": ".*", "write": ".*", "read": ".*"} | permissions
    call(management_url, "PUT", f"/permissions/{vhost}/{name}", allowed)
    try:
        yield as_role(amqp_url, name, password)
    finally:
        call(management_url, "DELETE", f"/users/{name}")


def set_password(management_url: str, user: str, password: str) -> None:
    """Make the user, or change its password; who is signed in stays so."""
    call(management_url, "PUT", f"/users/{user}", {"password": password, "tags": ""})


async def queues_recorded() -> None:
    """Wait until RabbitMQ 3.10 has a queue declared just now in its directory of quorum queues.

    It writes that file up to a second later. A node killed before never elects a leader for the queue again:
    publishing to it times out for ever, and only deleting and declaring it anew helps.
    """
    until = time.monotonic() + 1.5
    await eventually(lambda: time.monotonic() > until, what="the time RabbitMQ takes to write its directory")


def with_path(url: str, path: str) -> str:
    """The same server, another database or virtual host."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))

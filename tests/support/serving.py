"""The server as a process, and a client that asks it as programs do."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.support import world as worlds
from tests.support.commands import Command
from tests.support.operating import ask
from tests.support.waiting import eventually
from tests.support.world import World

API: Final = "/api/v1/backfill"


@dataclass(frozen=True)
class Served:
    """A server that runs, and who asks it."""

    command: Command
    url: str
    client: httpx.AsyncClient  # of nobody in particular: this machine's

    async def get(self, path: str, status: int = 200, **more: Any) -> Any:
        """The body of an answer; one of JSON is read."""
        return body(await self.client.get(f"{API}{path}", **more), status)

    async def send(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        return body(await self.client.request(method, f"{API}{path}", **more), status)


def body(answer: httpx.Response, status: int = 200) -> Any:
    """What it says; a problem is one as RFC 9457 has it."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        found = answer.json()
        assert found["status"] == status
        assert found["detail"]
        return found
    return answer.json() if answer.headers.get("content-type") == "application/json" else answer.text


@asynccontextmanager
async def serving(
    world: World, *arguments: str, token: str | None = None, is_reached: bool = True, **env: str
) -> AsyncIterator[Served]:
    """A server of this world on a free port, ended in order; `token` goes with every request.

    One that reaches its services is ready, and has read its tokens: a first look at them has a second, and a machine
    that stands still so long costs whoever is at the door nothing but that he asks again.
    """
    app = {"BACKFILL_APP": worlds.application(world.definition)}
    command = world.spawn("backfill-serve", "--port=0", *arguments, env=world.env | app | env)
    world.commands.append(command)
    url = await address(command)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        if is_reached:
            await eventually(lambda: is_ready(client), what="a server that is ready")
            await eventually(lambda: knows_tokens(client), what="a server that knows who may ask")
        yield Served(command, url, client)
    if command.returncode is None:
        command.kill(worlds.signal.SIGTERM)
        assert await command.wait() == 0, command.output


async def is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get(client.base_url.copy_with(path="/readyz"))).is_success


async def knows_tokens(client: httpx.AsyncClient) -> bool:
    return (await client.get(f"{API}/session")).status_code != 503


async def address(command: Command) -> str:
    """Where it serves, once it does."""

    async def told() -> str:
        found = re.search(r"Page: (http://\S+)/", command.output)
        assert found or command.returncode is None, command.output
        assert found
        return found[1]

    return str(await eventually(told, what="a server that listens"))


async def token(world: World, name: str = "ada", role: str = "operate") -> str:
    """A new token."""
    answer = await ask(world, "token", "create", name, f"--role={role}", "--json")
    assert answer.code == 0, answer
    return str(answer.json["token"])

"""How the examples ask a service: one client a worker, under the limit, and errors that say what comes next."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, Field

from backfill import HeldError, Limit, PartitionBackfill, TransientError
from backfill.definition import Definition
from backfill.examples import extras

if TYPE_CHECKING:
    import httpx


class Service(BaseModel):
    """Parameters: where the service is, and how many calls a second it takes."""

    url: str = Field("http://127.0.0.1:8080", pattern="^https?://")
    rate: float = Field(20, gt=0)


class Asker(Definition):
    """A backfill of either kind that asks a service."""

    Parameters: ClassVar[type[BaseModel] | None] = Service
    parameters: Any
    client: "httpx.AsyncClient"

    def __init__(self) -> None:
        extras.need("examples")  # before a job is opened

    @property
    def limit(self) -> Limit:
        return Limit(rate=self.parameters.rate)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """A worker is in it from its start to its end; the definitions of its jobs are copies that share the client."""
        import httpx

        async with httpx.AsyncClient(timeout=10) as self.client:
            yield

    async def ask(self, method: str, path: str, **given: Any) -> "httpx.Response":
        """The answer to one call, 404 and 304 among them; an exception for any other that is no success.

        Raises HeldError where the service wants to be left alone, TransientError where it may answer later.
        """
        import httpx

        url = self.parameters.url + quote(path)
        try:
            response = await self.client.request(method, url, **given)
        except httpx.TransportError as error:  # no connection, no answer in time, or one that breaks off
            raise TransientError(f"{url}: {type(error).__name__} {error}".rstrip()) from error
        if (held := HeldError.from_response(response)) is not None:
            raise held
        if response.is_server_error:
            raise TransientError(f"{url} answers {response.status_code}")
        if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.NOT_MODIFIED):
            return response
        return response.raise_for_status()


class Asking(Asker, PartitionBackfill):
    """A backfill whose `fetch` asks a service with `get`."""

    async def get(self, call: Any, path: str, **headers: str) -> "httpx.Response":
        """What `ask` gives, as one call under the limit."""
        async with call:
            return await self.ask("GET", path, headers=headers)

"""How the examples ask a service: under the limit, and with the error that says what is to happen next."""

from typing import Any

import httpx

from backfill import HeldError, TransientError


async def get(client: httpx.AsyncClient, call: Any, url: str, **headers: str) -> httpx.Response:
    """The answer to a GET under a definition's `call`.

    Raises HeldError where the service wants to be left alone, TransientError where it may answer later.
    """
    async with call:
        try:
            response = await client.get(url, headers=headers)
        except httpx.TransportError as error:  # no connection, no answer in time, or one that breaks off
            raise TransientError(f"{url}: {type(error).__name__} {error}".rstrip()) from error
        if (held := HeldError.from_response(response)) is not None:  # type: ignore[attr-defined]
            raise held
    if response.is_server_error:
        raise TransientError(f"{url} answers {response.status_code}")
    return response

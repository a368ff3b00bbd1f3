"""Look at the ledger again and again, over outages, until there is an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from backfill.errors import UnreachableError
from backfill.producers.parts import Connection, Report, built
from backfill.settings import Settings

POLL_SECONDS: Final = 0.5
AGAIN_SECONDS: Final = 1.0

T = TypeVar("T")


async def until(settings: Settings, report: Report, look: Callable[[Connection], Awaitable[T | None]]) -> T:
    """What `look` gives as soon as it is something. A database that has answered once is waited for."""
    has_answered = is_told = False
    while True:
        try:
            async with built(settings, report) as parts:
                while (found := await look(parts.connection)) is None:
                    has_answered, is_told = True, False
                    await asyncio.sleep(POLL_SECONDS)
                return found
        except UnreachableError as error:
            if not has_answered:
                raise
            if not is_told:
                report.note(f"{str(error).rpartition('; ')[0] or error}; waiting for it")
                is_told = True
        await asyncio.sleep(AGAIN_SECONDS)

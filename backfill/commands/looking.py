"""Look at one job again and again, also over an outage of the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from backfill.console import note
from backfill.errors import UnreachableError
from backfill.runner import checked
from backfill.settings import Settings

if TYPE_CHECKING:
    import asyncpg

AGAIN_SECONDS: Final = 1.0


async def look(
    settings: Settings,
    name: str,
    reference: str,
    see: "Callable[[asyncpg.Connection[Any], UUID], Awaitable[float | None]]",
    until: float = float("inf"),
) -> None:
    """Call `see` again after as many seconds as it returns, until that is None.

    Raises UnreachableError when the database does not answer at the first look, or not yet at the loop's time `until`.
    """
    from backfill.ledger import jobs

    job: UUID | None = None
    is_told = False
    while True:
        try:
            async with checked(settings, name) as connection:
                if job is None:
                    job = await jobs.find(connection, reference)
                while (pause := await see(connection, job)) is not None:
                    is_told = False
                    await asyncio.sleep(pause)
                return
        except UnreachableError as error:
            if job is None or asyncio.get_running_loop().time() >= until:
                raise
            if not is_told:
                note(f"{str(error).rpartition('; ')[0] or error}; waiting for it")
                is_told = True
        await asyncio.sleep(AGAIN_SECONDS)

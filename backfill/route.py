"""The way to an address: which of its hosts to ask, and what this process knows of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import asyncpg

from backfill.addresses import Address

T = TypeVar("T")

# Another host may be had: this one does not answer, or is not what `target_session_attrs` asks for.
NEXT: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,
)
ROTATION_SECONDS: Final = 60.0  # a login that was accepted before is tried again for so long


@dataclass
class Route:
    """What was found out on earlier ways to an address."""

    address: Address
    is_shared: bool
    hosts: tuple[str, ...]  # a URL for each: first the one that answered last
    was_reached: bool = False
    refused_since: float | None = None  # of a login that was accepted before

    async def first(self, connect: Callable[[str], Awaitable[T]]) -> T:
        """Connect to one host after the other; who runs out of time does not begin with the same one again."""
        errors: list[Exception] = []
        for host in self.hosts:
            try:
                connection = await connect(host)
            except NEXT as error:
                self._leave(host)
                errors.append(error)
            except asyncio.CancelledError:
                self._leave(host)
                raise
            else:
                self.was_reached, self.refused_since = True, None
                return connection
        # One that is down says more than one that is up and only reads.
        raise next((error for error in errors if isinstance(error, OSError)), errors[-1])

    def may_be_accepted_again(self) -> bool:
        """Whether this login worked before, and has not been refused for long: its password may be being changed."""
        if not self.was_reached:
            return False
        now = time.monotonic()
        self.refused_since = self.refused_since or now
        return now - self.refused_since < ROTATION_SECONDS

    def _leave(self, host: str) -> None:
        if self.hosts[0] == host:
            self.hosts = (*self.hosts[1:], host)

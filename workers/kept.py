"""A claim that is kept while a definition wants it to wait: said in the ledger, and no attempt."""

import asyncio
import contextlib

from backfill.database import Connection
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim
from backfill.workers.claims import GivenBackError
from backfill.workers.holding import Holding

MOST_SECONDS = 5.0  # until a claim that was given back is tried again


class Kept:
    """`rest` as often as there is a reason, and `end`."""

    def __init__(self, holding: Holding, connection: Connection, claim: Claim) -> None:
        self._holding = holding
        self._connection = connection
        self._claim = claim
        self._told: str | None = None

    async def rest(self, reason: str, seconds: float) -> None:
        """Wait for a moment; raises GivenBackError when the worker stops, or nobody wants the claim any more."""
        stopping = self._holding.stopping
        if stopping.is_set() or not await partitions.is_wanted(self._connection, self._claim):
            await self.give_back(reason)
        if reason != self._told:
            await partitions.tell_held(self._connection, self._claim, reason)
            if self._told is None:
                self._holding.count(1)
            self._told = reason
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stopping.wait()

    async def give_back(self, reason: str) -> None:
        """Others may have it; raises GivenBackError."""
        await self._holding.give_back(self._connection, self._claim, reason, MOST_SECONDS)
        raise GivenBackError

    async def end(self, *, goes_on: bool) -> None:
        """There is no reason any more, or no claim."""
        if self._told is None:
            return
        told, self._told = self._told, None
        self._holding.count(-1)
        if goes_on:
            await partitions.tell_goes_on(self._connection, self._claim, told)

"""The calls of one claim, within its definition's limit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backfill.definition import Definition
from backfill.errors import HeldError


class Spending:
    """What one claim spends of the budget that all workers share."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """One call to the service: waits until the limit lets it. Raises GivenBackError where that takes too long."""
        yield

    async def rest(self) -> None:
        """Wait while the limit is held. Raises GivenBackError where that takes too long."""

    async def held(self, error: HeldError) -> None:
        """The service has refused a call: let all workers rest."""
        raise NotImplementedError(str(error))

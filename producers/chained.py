"""Queue for workers, after what is required."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from backfill.definition import Definition
from backfill.failpoints import failpoint
from backfill.ledger.jobs import Request
from backfill.ledger.passes import Series
from backfill.ledger.progress import Progress
from backfill.producers import queueing
from backfill.producers.chain import Chain, Met
from backfill.producers.parts import Report, built
from backfill.producers.passes import Passes
from backfill.required import Unmet
from backfill.settings import Settings


class Chained:
    """Queues jobs on parts of their own: what is waited for in between may take hours."""

    def __init__(self, settings: Settings, report: Report, app: Mapping[str, Definition], unmet: Unmet) -> None:
        self._settings = settings
        self._report = report
        self._chain = Chain(settings, report, app, unmet, self._open)

    async def queue(self, definition: Definition, request: Request, series: Series | None = None) -> dict[str, Any]:
        """Open a job and queue it whole, as `queueing.queue` does."""

        async def queued(met: Met) -> dict[str, Any]:
            async with built(self._settings, self._report) as parts:
                return await queueing.queue(parts, definition, request, met=met, series=series)

        return await self._chain.first(queued)

    async def pass_after_pass(self, definition: Definition, request: Request) -> tuple[dict[str, Any], int]:
        """Queue passes until nothing is to be gained, each once workers have ended the one before."""
        passes = Passes(self._settings, self._report, definition, request, "backfill-queue")

        async def one(series: Series) -> Progress | None:
            job = (await self.queue(definition, request, series))["job"]
            failpoint("passes.after_open")
            return None if job is None else await passes.until_ended(UUID(job))

        return await passes.run(one)

    async def _open(self, definition: Definition, request: Request, met: Met) -> bool:
        async with built(self._settings, self._report) as parts:
            found = await queueing.queue(parts, definition, request, met=met)
        return found["job"] is not None

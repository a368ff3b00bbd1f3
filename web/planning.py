"""Opens jobs for callers that do not wait, and plans them in the background of a server."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from backfill.api import planning as plans
from backfill.api.collected import Collected
from backfill.cancelling import cancel
from backfill.definition import Definition
from backfill.errors import UnreachableError
from backfill.ledger.jobs import Request
from backfill.producers import queueing
from backfill.settings import Settings
from backfill.web.adoption import Adoption
from backfill.web.background import Background


@dataclass(frozen=True)
class Opened:
    """What became of a request."""

    job_id: UUID | None  # None: no record matched
    is_new: bool
    warnings: tuple[str, ...]


class Planning:
    """Of one server; `run` looks for jobs that were left, `close` gives back what is under way."""

    def __init__(self, settings: Settings, definitions: dict[str, Definition], say: Callable[[str], None]) -> None:
        self._background = Background(settings, say)
        self._adoption = Adoption(self._background, definitions)

    async def run(self) -> None:
        """Go on with jobs that were left, until cancelled."""
        await self._adoption.run()

    async def close(self) -> None:
        """End what is under way; each gives the lead of its job back."""
        await self._background.close()

    async def open(self, definition: Definition, request: Request, by: str) -> Opened:
        """Open a job and return; its planning goes on. With an idempotency key that was used, that job.

        Raises UnreachableError where as many are planned as this server plans at once, and what opening a job raises.
        What has begun is finished although the caller has gone.
        """
        report, opened = Collected(), asyncio.Event()
        found: list[UUID] = []

        def tell(job_id: UUID) -> None:
            found.append(job_id)
            self._background.planned.add(job_id)
            opened.set()

        task = self._background.begin("opens", self._open(definition, request, by, report, tell, found))
        told = asyncio.ensure_future(opened.wait())
        try:
            await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
        if found:
            return Opened(found[0], True, tuple(report.warnings))
        job = task.result()["job"]
        return Opened(UUID(job) if job else None, False, tuple(report.warnings))

    async def dry_run(
        self, definition: Definition, request: Request, gone: Coroutine[Any, Any, None]
    ) -> dict[str, Any]:
        """Show what a job would be; nothing is written. `gone` ends when nobody waits for it any more."""
        report, leaving = Collected(), asyncio.ensure_future(gone)
        try:
            look = plans.dry_run(self._background.settings, definition, request, report)
            task = self._background.begin("previews", look)
            try:
                await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel({task})
        finally:
            leaving.cancel()
        if task.cancelled():
            raise UnreachableError("nobody waits for this preview any more, or the server ends; try again")
        return {**task.result(), "warnings": report.warnings}

    async def _open(
        self,
        definition: Definition,
        request: Request,
        by: str,
        report: Collected,
        tell: Callable[[UUID], None],
        found: list[UUID],
    ) -> dict[str, Any]:
        try:
            async with self._background.parts(report) as parts:
                told = replace(parts, opened=tell, actor=by)
                return await queueing.queue(told, definition, request, goes_on=False)
        except Exception as error:
            if found:  # the caller has gone, with the job's id
                await self._background.tell(found[0], error)
            raise
        finally:
            self._background.planned.difference_update(found)

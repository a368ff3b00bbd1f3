"""Queueing in the test's own process."""

from typing import Any

from backfill import ColumnBackfill
from backfill.ledger.jobs import Request
from backfill.producers import queueing
from backfill.producers.parts import built
from backfill.producers.screen import Screen
from backfill.settings import Settings


async def in_process(
    settings: Settings, definition: ColumnBackfill, request: Request, screen: Screen | None = None
) -> dict[str, Any]:
    """Open a job and queue it whole; returns what `backfill-queue --json` would print."""
    async with built(settings, screen or Screen(silent=True)) as parts:
        return await queueing.queue(parts, definition, request)

"""When a worker that was started with --burst has nothing left to wait for."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

from backfill.database import Pool, is_transient
from backfill.ledger import jobs
from backfill.texts import one_line
from backfill.workers.links.parts import Upkeep

POLL_SECONDS: Final = 0.1  # how often an idle worker asks whether anything is left


async def until_nothing_is_left(
    pool: Pool, backfills: Iterable[str], is_idle: Callable[[], bool], upkeep: Upkeep
) -> tuple[str, str]:
    """Wait until nothing can be claimed, is held by another worker or is being planned.

    Says what waits for a retry, and which jobs nobody can go on with before they are corrected.
    """
    names = list(backfills)
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if not is_idle():
            continue
        try:
            async with pool.acquire(timeout=5) as connection:
                if not _is_idle(await jobs.claimable(connection, names)):
                    continue
                if any([await upkeep.close_ended(connection, name) for name in names]):
                    continue
                # Another process may have swept meanwhile, and found more.
                left = await jobs.claimable(connection, names)
                if not _is_idle(left):
                    continue
                halted = _halted(await jobs.halted(connection, names))
        except Exception as error:
            if not is_transient(error):
                raise
            continue
        if left["waiting"]:
            locked = f", {left['locked']:,} of them for somebody's lock" if left["locked"] else ""
            return (
                f"Nothing left to claim; {left['waiting']:,} partitions wait for a retry until "
                f"{left['waiting_until']:%Y-%m-%d %H:%M:%S} UTC{locked}."
            ), halted
        return "Nothing left to claim.", halted


def _halted(rows: list[Any]) -> str:
    """What nobody can go on with before it is corrected, or an empty text."""
    return "; ".join(
        f"job {row['id']} of {row['asset_name']} is paused ({one_line(row['reason'] or 'no reason given')}): correct "
        f"its definition or table, then: backfill resume {row['id']}"
        for row in rows
    )


def _is_idle(left: Any) -> bool:
    return not (left["claimable"] or left["held"] or left["planning"])

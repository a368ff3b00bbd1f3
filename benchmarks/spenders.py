"""`python -m benchmarks.spenders JSON`: one process that calls within a limit, and prints when it did.

The JSON has `name`, `limit`, `callers`, `seconds`, `call_seconds` and `begin`, by the machine's monotonic clock, which
all processes share. Without `begin` it says that it is ready, and reads it from its input.
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from backfill import database, door
from backfill.limit import Limit
from backfill.workers.limits.budget import Budget

TICK_SECONDS: Final = 0.01


@dataclass(frozen=True)
class Spent:
    """What one process did."""

    calls: list[tuple[float, float]]  # when each began and ended
    asked: int  # questions to the ledger
    late: float = 0.0  # the most seconds by which a call began behind its turn: how long the machine stood still

    @classmethod
    def of(cls, text: str) -> "Spent":
        found = json.loads(text)
        return cls([(began, ended) for began, ended in found["calls"]], found["asked"], found["late"])


async def spend(
    url: str,
    name: str,
    limit: Limit,
    *,
    callers: int,
    seconds: float,
    begin: float | None = None,
    call_seconds: float = 0.0,
    lease_seconds: float = 60.0,
) -> Spent:
    """Call with so many callers at once, each again as soon as its last call is over."""
    calls: list[tuple[float, float]] = []
    late = 0.0
    async with database.pooled(url, name="spender", size=2, statement_timeout_ms=10_000, lock_timeout_ms=5_000) as pool:
        budget = Budget(pool, uuid4(), lease_seconds, name, limit)

        async def caller() -> None:
            while time.monotonic() < end:
                turn = budget.turn()
                try:
                    await turn
                    began = time.monotonic()
                    await asyncio.sleep(call_seconds)
                    calls.append((began, time.monotonic()))
                finally:
                    budget.leave(turn)

        async def watch() -> None:
            nonlocal late
            while True:
                before = time.monotonic()
                await asyncio.sleep(TICK_SECONDS)
                late = max(late, time.monotonic() - before - TICK_SECONDS)

        async with pool.acquire():  # connected before it begins
            if begin is None:
                door.line("ready")
                begin = float(await asyncio.to_thread(sys.stdin.readline))
            await asyncio.sleep(max(0.0, begin - time.monotonic()))
        end = begin + seconds
        tasks = [asyncio.create_task(caller()) for _ in range(callers)] + [asyncio.create_task(watch())]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await budget.close()
    return Spent(calls, budget.asked, late)


def main() -> None:
    """Spend as the argument says."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    limit = Limit(**asked.pop("limit"))
    spent = asyncio.run(spend(os.environ["DATABASE_URL"], limit=limit, **asked))
    door.exact(f"{json.dumps(vars(spent))}\n")


if __name__ == "__main__":
    main()

"""A process that computes, where it cannot even be started."""

from time import monotonic
from typing import Any

import pytest

from backfill.errors import TransientError
from backfill.workers import pool
from backfill.workers.child import ordered
from tests.support.ways import InProcesses


async def test_where_no_process_can_be_started_the_partition_is_tried_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(pool, "ProcessPoolExecutor", full)
    processes = pool.Pool(30)
    async with processes.child() as child:
        with pytest.raises(TransientError, match=r"^no process that computes can be started \(BlockingIOError: "):
            await child.compute(ordered(InProcesses(), ["value"]), [], monotonic() + 60)
    await processes.close()

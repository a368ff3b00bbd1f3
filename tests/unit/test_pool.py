"""A process that computes: that none can be started, which one it is, and how its end is noticed."""

import os
import threading
import time
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from backfill.errors import TransientError
from backfill.workers.computing import pool
from backfill.workers.computing.child import ordered
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.computing.pool import LostError
from tests.support.computing import rows
from tests.support.waiting import eventually
from tests.support.ways import InProcesses, OddInProcesses

ORDER = ordered(InProcesses(), ["value"])


async def test_where_no_process_can_be_started_the_partition_is_tried_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(pool.CONTEXT.Process, "start", full)
    processes = pool.Pool(30)
    async with processes.child() as child:
        with pytest.raises(TransientError, match=r"^no process that computes can be started \(BlockingIOError: "):
            await child.compute(ORDER, [], monotonic() + 60)
    await processes.close()


def semaphores() -> set[str]:
    """Names of those that this process has mapped."""
    maps = Path("/proc/self/maps").read_text().split()
    return {one for one in maps if one.startswith("/dev/shm/sem.")}  # noqa: S108 - where Linux has them


async def test_a_process_is_known_by_itself_though_the_application_starts_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others: list[Any] = []
    real = pool.CONTEXT.Process.start

    def start(process: Any) -> None:
        if not others:
            others.append(pool.CONTEXT.Process(target=time.sleep, args=(60,)))
            real(others[0])
        real(process)

    monkeypatch.setattr(pool.CONTEXT.Process, "start", start)
    processes = pool.Pool(30)
    try:
        for _ in range(2):
            async with processes.child() as child:
                outcomes = await child.compute(ORDER, rows(3), monotonic() + 60)
                assert outcomes == Outcomes(values={0: (0,), 1: (2,), 2: (4,)})
                child.kill()
        assert not semaphores()
        await processes.close()
        assert others[0].is_alive()
    finally:
        others[0].kill()
        others[0].join()


async def test_the_next_call_starts_another_where_one_has_ended_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = pool.Pool(30)
    async with processes.child() as child:
        await child.compute(ORDER, rows(1), monotonic() + 60)
        first = child._process
        first.kill()
        monkeypatch.setattr(first, "is_alive", lambda: True)  # a moment before anybody sees it
        outcomes = await child.compute(ORDER, rows(2), monotonic() + 60)
        assert outcomes == Outcomes(values={0: (0,), 1: (2,)})
        assert child._process is not first
    await processes.close()


async def test_the_end_of_a_process_is_noticed_though_a_fork_keeps_its_pipe_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = []
    real = pool.CONTEXT.Pipe

    def pipe() -> Any:
        ours, theirs = real()
        kept.append(os.dup(theirs.fileno()))
        return ours, theirs

    monkeypatch.setattr(pool.CONTEXT, "Pipe", pipe)
    processes = pool.Pool(0.5)
    async with processes.child() as child:
        with pytest.raises(LostError, match="was ended by SIGKILL") as raised:
            await child.compute(ordered(OddInProcesses(), ["value"]), [{"base": 1}], monotonic() + 60)
    assert raised.value.places == range(1)
    await processes.close()
    for number in kept:
        os.close(number)
    await eventually(lambda: not [one for one in threading.enumerate() if one.name.startswith("pipe to a process")])

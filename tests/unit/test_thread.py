"""A coroutine in a thread of its own: it ends when it is asked to, and what it dies of is told."""

import asyncio
import threading

from backfill.workers.thread import LoopThread


async def test_it_runs_beside_the_main_thread_until_it_is_asked_to_end() -> None:
    where: list[threading.Thread] = []

    async def work() -> None:
        where.append(threading.current_thread())
        await thread.ending.wait()

    thread = LoopThread("beside", work)
    running = asyncio.create_task(thread.run())
    await asyncio.sleep(0)
    await thread.stop(5)
    assert await running is None
    assert [one.name for one in where] == ["beside"]
    assert where[0] is not threading.main_thread()


async def test_what_it_dies_of_is_told() -> None:
    async def work() -> None:
        raise ValueError("no")

    thread = LoopThread("beside", work)
    assert repr(await thread.run()) == "ValueError('no')"
    await thread.stop(5)  # it has ended already


async def test_one_that_never_began_is_stopped_at_once() -> None:
    async def work() -> None:
        raise AssertionError

    await LoopThread("beside", work).stop(5)


async def test_it_goes_on_when_its_owner_is_cancelled_until_it_is_stopped() -> None:
    ended: list[bool] = []

    async def work() -> None:
        await thread.ending.wait()
        ended.append(True)

    thread = LoopThread("beside", work)
    running = asyncio.create_task(thread.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})
    assert not ended
    await thread.stop(5)
    assert ended

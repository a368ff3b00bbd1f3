"""Async functions: as many calls as may be are under way, each is bounded, and none outlives what called it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, TypeAlias

import pytest

from backfill import HeldError, TransientError
from backfill.workers.computing import calling as module
from backfill.workers.computing.calling import Calling
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.limits.spending import Spending, UnwantedError
from backfill.workers.stopping import Stopping
from backfill.workers.watch import Watch
from tests.support.computing import Free, defined, rows
from tests.support.waiting import eventually

BAD = 137


class NetworkError(Exception):
    """As a client library raises it."""


def calling(
    function: Any,
    number: int,
    spending: Spending | None = None,
    *,
    name: str = "compute",
    seconds: float = 30.0,
    watch: Watch | None = None,
    last_attempt: bool = False,
    **parts: Any,
) -> Calling:
    made = defined(**{name: function}, **parts)
    about = "{} +{}".format
    watch, spending = watch or Watch(), spending or Free()
    return Calling(made, ["value"], rows(number), about, watch, spending, seconds, last_attempt=last_attempt)


async def computed(function: Any, number: int, spending: Spending | None = None, **parts: Any) -> Outcomes:
    return await calling(function, number, spending, **parts).work(monotonic() + 60)


Others: TypeAlias = "Callable[[], set[asyncio.Task[Any]]]"


@pytest.fixture
async def others() -> Others:
    """Tasks besides the test's own, and those that were there before it: a browser's, that other tests share."""
    before = asyncio.all_tasks()
    return lambda: {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}


async def doubled(record: Any) -> Any:
    await asyncio.sleep(0)
    return {"value": record["base"] * 2}


async def all_doubled(records: Sequence[Any]) -> Any:
    return [await doubled(record) for record in records]


@pytest.mark.parametrize("at_once", [1, 4, 7])
async def test_as_many_calls_are_under_way_as_may_be_and_no_more(at_once: int) -> None:
    spending, under_way, most = Free(), 0, 0

    async def counted(record: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        under_way -= 1
        return await doubled(record)

    outcomes = await computed(counted, 50, spending, at_once=at_once)
    assert outcomes.values == {place: (place * 2,) for place in range(50)}
    assert most == spending.most == at_once
    assert spending.calls == 50


async def test_many_are_called_fifty_at_a_time() -> None:
    spending = Free()
    outcomes = await computed(all_doubled, 120, spending, name="compute_many")
    assert outcomes.values == {place: (place * 2,) for place in range(120)}
    assert spending.calls == 3


async def one_bad(record: Any) -> Any:
    if record["base"] == BAD:
        raise ValueError("bad")
    return await doubled(record)


async def many_with_one_bad(records: Sequence[Any]) -> Any:
    return [await one_bad(record) for record in records]


async def many_that_say_so(records: Sequence[Any]) -> Any:
    return await asyncio.gather(*map(one_bad, records), return_exceptions=True)


async def one_cancelled(record: Any) -> Any:
    if record["base"] == BAD:
        raise asyncio.CancelledError
    return await doubled(record)


async def one_ending(record: Any) -> Any:
    if record["base"] == BAD:
        raise SystemExit(3)
    return await doubled(record)


@pytest.mark.parametrize(
    ("name", "function", "error"),
    [
        ("compute", one_bad, "ValueError"),
        ("compute", one_cancelled, "CancelledError"),
        ("compute", one_ending, "SystemExit"),
        ("compute_many", many_with_one_bad, "ValueError"),
        ("compute_many", many_that_say_so, "ValueError"),
    ],
)
async def test_one_bad_record_among_five_hundred_fails_alone(name: str, function: Any, error: str) -> None:
    outcomes = await computed(function, 500, name=name)
    assert {place: why[0] for place, why in outcomes.failed.items()} == {BAD: error}
    assert outcomes.values == {place: (place * 2,) for place in range(500) if place != BAD}


@pytest.mark.parametrize("error", [TransientError("later"), NetworkError("reset"), ConnectionResetError()])
async def test_what_may_succeed_later_is_an_attempt_of_the_records_of_that_call(error: Exception) -> None:
    async def flaky(records: Sequence[Any]) -> Any:
        if records[0]["base"] == 10:
            raise error
        return await all_doubled(records)

    spending = Free()
    outcomes = await computed(flaky, 30, spending, name="compute_many", call_size=10)
    assert sorted(outcomes.again) == list(range(10, 20))
    assert len(outcomes.values) == 20
    assert spending.calls == 3, "the call is not made again at once"


async def test_a_call_that_never_answers_is_an_attempt_of_its_record() -> None:
    async def silent(record: Any) -> Any:
        if record["base"] == 3:
            await asyncio.Event().wait()
        return await doubled(record)

    outcomes = await computed(silent, 10, seconds=0.1)
    assert outcomes.again == {
        3: ("TimeoutError", "not answered within the 0.1 s that one call may take (BACKFILL_RECORD_SECONDS)")
    }
    assert len(outcomes.values) == 9


async def deaf(record: Any) -> Any:
    """It swallows whatever asks it to end, but for being closed."""
    while True:
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await asyncio.Event().wait()


async def asks_itself_to_end(record: Any) -> Any:
    """As client libraries do: a wait of their own is ended, over and over until it has, and they go on."""
    task = asyncio.current_task()
    assert task
    for _ in range(3):
        task.cancel("Cancelled via cancel scope")
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(30)
        task.uncancel()
    return await doubled(record)


async def test_a_call_may_end_waits_of_its_own() -> None:
    outcomes = await computed(asks_itself_to_end, 3)
    assert outcomes.values == {0: (0,), 1: (2,), 2: (4,)}


async def test_a_call_that_goes_on_after_its_time_is_closed(monkeypatch: pytest.MonkeyPatch, others: Others) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.1)
    outcomes = await computed(deaf, 1, seconds=0.1)
    assert list(outcomes.again) == [0]
    assert not others()


@pytest.mark.parametrize("function", [deaf, lambda record: asyncio.Event().wait()])
async def test_cancelled_nothing_is_left_running(
    monkeypatch: pytest.MonkeyPatch, function: Any, others: Others
) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.1)

    async def compute(record: Any) -> Any:
        return await function(record)

    spending = Free()
    working = asyncio.create_task(calling(compute, 10, spending).work(monotonic() + 60))
    await eventually(lambda: spending.under_way == 4)
    began = monotonic()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert monotonic() - began < 1
    assert not others()
    assert spending.under_way == 0


async def test_a_refusal_makes_all_rest_and_leaves_what_has_not_been_called() -> None:
    """A call that is under way has been paid for: it is waited for, and counts."""
    first = asyncio.Event()

    async def refused(record: Any) -> Any:
        if record["base"] == 0:
            await first.wait()
        if record["base"] == 5:
            asyncio.get_running_loop().call_later(0.05, first.set)
            raise HeldError("too many calls", 30)
        return await doubled(record)

    spending = Free()
    outcomes = await computed(refused, 500, spending)
    assert [(error.reason, error.seconds) for error in spending.refused] == [("too many calls", 30)]
    assert outcomes.values[0] == (0,)
    assert 5 not in outcomes
    assert len(outcomes.values) < 12
    assert not outcomes.failed
    assert not outcomes.again


async def test_a_refusal_among_results_leaves_that_record_and_takes_the_others() -> None:
    async def some(records: Sequence[Any]) -> Any:
        return [HeldError("busy", 7) if record["base"] == 2 else {"value": 1} for record in records]

    spending = Free()
    outcomes = await computed(some, 30, spending, name="compute_many", call_size=5, at_once=1)
    assert len(spending.refused) == 1
    assert sorted(outcomes.values) == [0, 1, 3, 4]


class Narrow(Free):
    """Two calls may begin, others wait for ever."""

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        if self.calls == 2:
            await asyncio.Event().wait()
        async with super().call():
            yield


async def test_when_time_is_over_what_waits_for_the_limit_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    work = calling(doubled, 10, Narrow())
    outcomes = await asyncio.wait_for(work.work(monotonic() + 0.1), 5)
    assert len(outcomes.values) == 2
    assert not outcomes.failed


async def test_when_the_limit_lets_no_more_in_what_is_under_way_is_finished_and_kept(others: Others) -> None:
    class Full(Free):
        @asynccontextmanager
        async def call(self) -> AsyncIterator[None]:
            if self.calls == 2:
                raise UnwantedError
            async with super().call():
                yield

    async def slow(record: Any) -> Any:
        await asyncio.sleep(0.05)
        return await doubled(record)

    outcomes = await asyncio.wait_for(computed(slow, 10, Full()), 5)
    assert sorted(outcomes.values) == [0, 1]
    assert not outcomes.failed
    assert not others()


async def test_a_stop_waits_for_answers_as_long_as_they_can_be_written(others: Others) -> None:
    async def endless(record: Any) -> Any:
        if record["base"] == 3:
            await asyncio.Event().wait()
        return await doubled(record)

    spending = Free()
    spending.stopping = Stopping(0.4)
    work = asyncio.create_task(computed(endless, 10, spending))
    await eventually(lambda: spending.calls == 10)
    assert not work.done()
    spending.stopping.set()
    outcomes = await asyncio.wait_for(work, 5)
    assert sorted({*range(10)} - {*outcomes.values}) == [3]
    assert not outcomes.failed
    assert not others()


async def test_each_step_of_a_call_is_watched_and_no_wait_is() -> None:
    watch, seen = Watch(), []

    async def looked(record: Any) -> Any:
        seen.append(watch.record)
        asyncio.get_running_loop().call_soon(lambda: seen.append(watch.record))
        await asyncio.sleep(0)
        seen.append(watch.record)
        return {"value": 1}

    await computed(looked, 1, watch=watch)
    assert seen == ["0 +1", None, "0 +1"]
    assert watch.record is None


async def test_at_the_last_attempt_the_record_that_nothing_answers_is_found_among_its_neighbours() -> None:
    async def service(records: Sequence[Any]) -> Any:
        if any(record["base"] == 7 for record in records):
            raise TransientError("503")
        return await all_doubled(records)

    before = await computed(service, 20, name="compute_many")
    assert len(before.again) == 20
    last = await computed(service, 20, name="compute_many", last_attempt=True)
    assert (len(last.values), list(last.again)) == (19, [next(n for n, row in enumerate(rows(20)) if row["base"] == 7)])

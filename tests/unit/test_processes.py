"""Whose fault the end of a process is: found step by step, with a process that is none."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest

from backfill.errors import SchemaError
from backfill.workers.computing.child import Refusal
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.computing.pool import LateError, LostError
from backfill.workers.computing.processes import MOST_LOST, Processes
from backfill.workers.definitions import FormerDefinitionError
from tests.support.computing import rows
from tests.support.ways import InProcesses

Ends = Callable[[Sequence[Any]], LostError | None]


class Fake:
    """Ends as the test says."""

    def __init__(self, ends: Ends) -> None:
        self.ends = ends
        self.sizes: list[int] = []

    @asynccontextmanager
    async def child(self) -> AsyncIterator["Fake"]:
        yield self

    async def compute(self, order: Any, rows: Sequence[Any], until: float) -> Any:
        self.sizes.append(len(rows))
        if (error := self.ends(rows)) is not None:
            raise error
        return Outcomes(values={place: (row["base"],) for place, row in enumerate(rows)})


async def computed(ends: Ends, number: int = 300, *, last_attempt: bool = False) -> tuple[Outcomes, Fake]:
    processes, fake = Processes(30), Fake(ends)
    processes._pool = fake  # type: ignore[assignment]
    until = monotonic() + 60
    return await processes.compute(InProcesses(), ["value"], rows(number), until, last_attempt=last_attempt), fake


def at(bad: int, error: type[LostError] = LostError, *, known: bool = True) -> Ends:
    """It ends where that record is among those it was given."""

    def ends(rows: Sequence[Any]) -> LostError | None:
        places = [place for place, row in enumerate(rows) if row["base"] == bad]
        return error("ended", range(places[0], places[0] + 1) if known else None) if places else None

    return ends


def wrong(outcomes: Outcomes, number: int = 300) -> list[int]:
    """Places of those that were not computed, or wrongly."""
    return [place for place in range(number) if outcomes.values.get(place) != (place,)]


async def test_all_is_well_a_hundred_at_a_time() -> None:
    outcomes, fake = await computed(lambda _: None)
    assert wrong(outcomes) == []
    assert fake.sizes == [100, 100, 100]


async def test_the_record_at_which_it_ended_is_an_attempt_and_its_neighbours_are_computed() -> None:
    outcomes, _ = await computed(at(137))
    assert outcomes.again == {137: ("LostProcessError", "ended")}
    assert wrong(outcomes) == [137]


async def test_at_the_last_attempt_it_fails_after_it_has_ended_twice_alone() -> None:
    outcomes, fake = await computed(at(137), last_attempt=True)
    assert outcomes.failed == {137: ("LostProcessError", "ended, twice while it was computed alone")}
    assert wrong(outcomes) == [137]
    assert set(fake.sizes) == {1}
    assert len(fake.sizes) == 301


async def test_a_process_that_was_killed_once_at_the_last_attempt_is_no_records_fault() -> None:
    left = [LostError("killed by somebody", range(1))]
    outcomes, _ = await computed(lambda _: left.pop() if left else None, last_attempt=True)
    assert wrong(outcomes) == []


async def test_when_nobody_knows_which_record_it_was_the_halves_are_tried_and_then_all_wait() -> None:
    outcomes, fake = await computed(at(137, known=False))
    assert len([size for size in fake.sizes if size]) < 10
    assert 137 in outcomes.again
    assert not outcomes.failed
    assert set(wrong(outcomes)) == set(outcomes.again)


async def test_processes_that_always_end_are_no_single_records_fault() -> None:
    outcomes, fake = await computed(lambda _: LostError("no memory", range(1)))
    assert len(fake.sizes) == MOST_LOST
    assert sorted(outcomes.again) == list(range(300))


@pytest.mark.parametrize("last_attempt", [False, True])
async def test_a_late_record_fails_at_once(last_attempt: bool) -> None:
    outcomes, _ = await computed(at(137, LateError), last_attempt=last_attempt)
    assert outcomes.failed == {137: ("RecordTimeoutError", "ended")}
    assert wrong(outcomes) == [137]


async def test_a_late_call_of_many_is_halved() -> None:
    def ends(rows: Sequence[Any]) -> LostError | None:
        has = any(row["base"] == 137 for row in rows)
        return LateError("late", range(len(rows))) if has else None

    outcomes, _ = await computed(ends)
    assert list(outcomes.failed) == [137]
    assert wrong(outcomes) == [137]


@pytest.mark.parametrize(("is_former", "kind"), [(True, FormerDefinitionError), (False, SchemaError)])
async def test_a_process_that_cannot_begin_is_the_workers_or_the_jobs_trouble(
    is_former: bool, kind: type[Exception]
) -> None:
    processes = Processes(30)

    class Refusing(Fake):
        async def compute(self, *_: Any) -> Any:
            return Refusal("why", is_former)

    processes._pool = Refusing(lambda _: None)  # type: ignore[assignment]
    with pytest.raises(kind, match="why"):
        await processes.compute(InProcesses(), ["value"], rows(1), monotonic() + 60, last_attempt=False)

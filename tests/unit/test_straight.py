"""Plain functions: results belong to their records, a bad record stands alone, a held service ends the stretch."""

import math
from collections.abc import Sequence
from typing import Any

import pytest

from backfill import HeldError, Skip, TransientError
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.computing.straight import Straight
from backfill.workers.watch import RecordTimeoutError
from tests.support.computing import defined, rows

BAD = 137


def doubled(records: Sequence[Any]) -> list[Any]:
    return [{"value": record["base"] * 2} for record in records]


def computed(function: Any, number: int = 500, name: str = "compute_many", **parts: Any) -> tuple[Outcomes, int]:
    """What becomes of so many records, and in how many calls."""
    calls: list[int] = []
    straight = Straight(
        defined(**{name: function}, **parts), ["value"], lambda _, number: calls.append(number), lambda: None
    )
    outcomes = straight.work(rows(number), lambda: False)
    return outcomes, len(calls)


@pytest.mark.parametrize(("size", "calls"), [(None, 1), (500, 1), (200, 3), (1, 500)])
def test_each_result_belongs_to_the_record_at_its_place(size: int | None, calls: int) -> None:
    outcomes, made = computed(doubled, call_size=size)
    assert outcomes.values == {place: (place * 2,) for place in range(500)}
    assert made == calls


def raising(records: Sequence[Any]) -> list[Any]:
    if any(record["base"] == BAD for record in records):
        raise ValueError("cannot be computed")
    return doubled(records)


def ending(records: Sequence[Any]) -> list[Any]:
    if any(record["base"] == BAD for record in records):
        raise SystemExit(4)
    return doubled(records)


def shorter(records: Sequence[Any]) -> list[Any]:
    return doubled([record for record in records if record["base"] != BAD])


def nothing(records: Sequence[Any]) -> Any:
    return None if any(record["base"] == BAD for record in records) else doubled(records)


def waiting(records: Sequence[Any]) -> Any:
    async def results() -> None: ...

    return results() if any(record["base"] == BAD for record in records) else doubled(records)


def said(records: Sequence[Any]) -> list[Any]:
    return [ValueError("this one") if record["base"] == BAD else {"value": record["base"] * 2} for record in records]


def empty(records: Sequence[Any]) -> list[Any]:
    return [{} if record["base"] == BAD else {"value": record["base"] * 2} for record in records]


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (raising, ("ValueError", "cannot be computed")),
        (ending, ("SystemExit", "4")),
        (shorter, ("ValueError", "compute_many returned 0 results for 1 records")),
        (nothing, ("TypeError", "compute_many returned None, not a list with a result for each record")),
        (waiting, ("TypeError", "compute_many returned a coroutine; declare it with: async def compute_many")),
        (said, ("ValueError", "this one")),
        (empty, ("KeyError", "compute_many returned no value, which is one of `columns`")),
    ],
)
def test_one_bad_record_among_five_hundred_fails_alone(function: Any, error: tuple[str, str]) -> None:
    outcomes, calls = computed(function)
    assert outcomes.failed == {BAD: error}
    assert outcomes.values == {place: (place * 2,) for place in range(500) if place != BAD}
    assert calls <= 2 * math.ceil(math.log2(500)) + 1


def test_when_every_record_is_bad_there_are_about_twice_as_many_calls() -> None:
    outcomes, calls = computed(lambda records: None)
    assert len(outcomes.failed) == 500
    assert calls < 2 * 500


def test_skips_and_what_may_succeed_later_are_told_apart() -> None:
    found = [Skip("not for us"), TransientError("not known yet"), {"value": 1}]
    outcomes, _ = computed(lambda records: found, 3)
    assert outcomes.skipped == {0: "not for us"}
    assert type(outcomes.skipped[0]) is str, "another process may not know the class"
    assert outcomes.again == {1: ("TransientError", "not known yet")}
    assert outcomes.values == {2: (1,)}


@pytest.mark.parametrize("name", ["compute", "compute_many"])
def test_a_service_that_wants_to_be_left_alone_ends_the_stretch(name: str) -> None:
    def compute(record: Any) -> Any:
        if record["base"] == 20:
            raise HeldError("too many calls", 30)
        return {"value": 1}

    function = compute if name == "compute" else lambda records: list(map(compute, records))
    outcomes, _ = computed(function, 100, name, call_size=10)
    assert outcomes.held == ("too many calls", 30)
    assert sorted(outcomes.values) == list(range(20))
    assert not [place for place in range(20, 100) if place in outcomes]


def test_a_held_service_in_a_group_is_found() -> None:
    def grouped(records: Sequence[Any]) -> Any:
        raise ExceptionGroup("tasks", [ExceptionGroup("more", [HeldError("busy", 3)])])

    assert computed(grouped)[0].held == ("busy", 3)


def test_after_a_call_that_took_too_long_none_is_as_long() -> None:
    sizes: list[int] = []

    def slow(records: Sequence[Any]) -> list[Any]:
        sizes.append(len(records))
        if len(records) > 30:
            raise RecordTimeoutError("too long")
        return doubled(records)

    outcomes, _ = computed(slow, call_size=100)
    assert len(outcomes.values) == 500
    assert sizes.count(100) == 1
    assert max(sizes[3:]) <= 50


def test_time_that_is_over_leaves_the_rest() -> None:
    made: list[int] = []
    straight = Straight(
        defined(compute=lambda record: {"value": 1}), ["value"], lambda *_: made.append(1), lambda: None
    )
    outcomes = straight.work(rows(10), lambda: len(made) == 4)
    assert sorted(outcomes.values) == [0, 1, 2, 3]

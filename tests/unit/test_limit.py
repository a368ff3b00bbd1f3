"""What a limit may be, what a service's answer says, and turns that come too late."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from backfill import HeldError, Limit, contract, parameters
from backfill.errors import UsageError
from backfill.ledger.limits import Turns as Granted
from backfill.workers.limits.turns import Turns
from tests.support.definitions import Counter

BAD: list[dict[str, Any]] = [
    *({"rate": rate} for rate in (0, -1, math.nan, math.inf, 1e-300, "5", True)),
    *({"burst": burst} for burst in (0, -1, 1.5, "1", True, None, 10**9)),
    *({"concurrency": most} for most in (0, -1, 2.0, "3", True, 10**9)),
    *({"name": name} for name in ("Service", "a-b", "a" * 41, "x;y", 5, None)),
    {"adaptive": "yes"},
]


@pytest.mark.parametrize("given", BAD, ids=str)
def test_what_is_no_limit_is_refused_in_one_line_that_names_it(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as refused:
        Limit(**given)
    assert "\n" not in str(refused.value)
    assert f"Limit({next(iter(given))}=" in str(refused.value)


def test_what_is_one_is_none_of_that() -> None:
    Limit()
    Limit(rate=1 / 86_400, burst=1, concurrency=1, adaptive=False, name="esi")
    Limit(rate=5, concurrency=1_000_000)


class Rated(Counter):
    class Parameters(BaseModel):
        rate: float

    parameters: Parameters

    @property
    def limit(self) -> Limit | None:  # type: ignore[override]
        return Limit(rate=self.parameters.rate)


def test_a_limit_may_depend_on_parameters_and_is_refused_when_a_job_is_opened() -> None:
    contract.need_whole(Rated())  # whose parameters nobody knows yet
    assert parameters.given(Rated(), ["rate=4"]).limit == Limit(rate=4)
    with pytest.raises(UsageError, match=r"Limit\(rate=0.0\)"):
        parameters.given(Rated(), ["rate=0"])


def test_what_is_no_limit_at_all_is_refused() -> None:
    class Odd(Counter):
        limit = 5  # type: ignore[assignment]

    with pytest.raises(UsageError, match=r"Odd.limit is int: give a Limit"):
        contract.need_whole(Odd())


def answer(status: int, **headers: str) -> Any:
    return SimpleNamespace(status_code=status, headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "120"}, 120),
        ({"Retry_After": " 1.5 "}, 1.5),
        ({"Retry_After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 30),
        ({}, 5),
        ({"Retry_After": "soon"}, 5),
        ({"Retry_After": "nan"}, 5),
        ({"Retry_After": "inf"}, 5),
        ({"Retry_After": "Wed, 99 Oct 2015 07:28:30 GMT"}, 5),
    ],
)
def test_an_answer_says_for_how_long_it_wants_to_be_left_alone(headers: dict[str, str], seconds: float) -> None:
    error = HeldError.from_response(answer(429, **headers))
    assert error is not None
    assert (error.reason, error.seconds) == ("429 Too Many Requests", seconds)


def test_a_date_in_the_past_is_no_time_and_one_without_the_services_clock_is_by_ours() -> None:
    error = HeldError.from_response(answer(503, Retry_After="Wed, 21 Oct 2015 07:28:30 GMT"))
    assert error is not None
    assert error.seconds < 0  # the ledger makes a second of it
    assert error.reason == "503 Service Unavailable"


def test_other_answers_are_no_refusals_whoever_gives_them() -> None:
    assert HeldError.from_response(answer(200)) is None
    assert HeldError.from_response(answer(500, Retry_After="5")) is None
    aiohttp = SimpleNamespace(status=429, headers={"Retry-After": "7"})
    error = HeldError.from_response(aiohttp)
    assert error is not None
    assert error.seconds == 7


def used(turns: Turns, *moments: float) -> list[bool]:
    return [turns.use(moment) for moment in moments]


def test_turns_come_at_their_time_and_each_once() -> None:
    turns = Turns()
    turns.add(Granted(first=0.1, step=0.1, granted=3), asked=0.0, now=0.0, quickest=0.0)
    assert (turns.next, turns.last, len(turns)) == (0.1, pytest.approx(0.3), 3)
    assert used(turns, 0.05, 0.1, 0.15, 0.2, 0.31, 0.31) == [False, True, False, True, True, False]


def test_turns_that_nobody_used_in_time_are_gone() -> None:
    turns = Turns()
    turns.add(Granted(first=0.0, step=0.01, granted=100), asked=0.0, now=0.0, quickest=0.0)
    assert sum(used(turns, *[0.505] * 100)) == 5  # of the last twentieth of a second
    assert turns.dropped == 46
    turns.drop(9.0)
    assert len(turns) == 0


def test_after_a_pause_as_many_turns_as_the_burst_come_at_once() -> None:
    turns = Turns()
    turns.add(Granted(first=-0.3, step=0.1, granted=6), asked=5.0, now=5.0, quickest=0.0)
    assert used(turns, *[5.0] * 5) == [True] * 4 + [False]
    assert turns.next == pytest.approx(5.1)


def test_an_answer_that_was_on_its_way_for_long_may_be_late_already() -> None:
    turns = Turns()
    turns.add(Granted(first=0.0, step=0.01, granted=10), asked=0.0, now=0.2, quickest=0.01)
    assert (len(turns), turns.dropped) == (0, 10)
    turns.add(Granted(first=0.0, step=0.01, granted=10, waited=0.19), asked=0.0, now=0.2, quickest=0.01)
    assert len(turns) == 10  # it was the server that took its time, before it looked at the clock

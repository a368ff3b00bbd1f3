"""The parts of the examples' service on a clock of the test's own: its limit, its counts, its dice."""

from backfill.examples.service.counts import Counts
from backfill.examples.service.limit import Limit, Refusal
from backfill.examples.service.misbehaviour import Dice, Misbehaviour


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_no_second_has_more_calls_than_the_rate_wherever_it_begins() -> None:
    clock = Clock()
    limit, taken = Limit(rate=3, ban_after=1_000, ban_seconds=9, clock=clock), list[float]()
    for _ in range(400):
        clock.now += 0.0625
        if limit.take() is None:
            taken.append(clock.now)
    assert len(taken) == 75
    assert all(sum(start <= one < start + 1 for one in taken) <= 3 for start in taken)


def test_a_refused_call_is_told_when_there_is_room_and_then_there_is() -> None:
    clock = Clock()
    limit = Limit(rate=2, ban_after=1_000, ban_seconds=9, clock=clock)
    assert limit.take() is None
    clock.now += 0.25
    assert limit.take() is None
    assert limit.take() == Refusal(429, 0.75)
    clock.now += 0.75
    assert limit.take() is None


def test_who_goes_on_is_banned_and_taken_again_when_the_ban_ends() -> None:
    clock = Clock()
    limit = Limit(rate=1, ban_after=3, ban_seconds=9, clock=clock)
    assert limit.take() is None
    assert [limit.take(), limit.take(), limit.take()] == [Refusal(429, 1), Refusal(429, 1), Refusal(503, 9)]
    clock.now += 8
    assert limit.take() == Refusal(503, 1)
    clock.now += 1
    assert limit.take() is None
    assert limit.bans == 1


def test_a_served_call_ends_a_row_of_refusals() -> None:
    clock = Clock()
    limit = Limit(rate=1, ban_after=2, ban_seconds=9, clock=clock)
    for _ in range(5):
        assert limit.take() is None
        assert limit.take() == Refusal(429, 1)
        clock.now += 1
    assert limit.bans == 0


def test_counts_tell_who_exceeded_and_who_did_not_wait() -> None:
    clock = Clock()
    counts = Counts(clock)
    with counts.call(), counts.call():
        counts.serve(["a"])
        counts.refuse(2)
    clock.now += 1
    with counts.call():
        counts.refuse(None)
    clock.now += 1
    with counts.call():
        counts.serve(["a"])
    shown = counts.shown(bans=0)
    assert shown["keys"] == {"a": 2}
    del shown["keys"], shown["misbehaved"], shown["bans"]
    assert shown == {
        "calls": 4, "served": 2, "refused": 2, "refused_after_first": 1, "too_early": 1, "worst_second": 2,
        "in_flight": 0, "most_in_flight": 2,
    }  # fmt: skip


def test_the_worst_second_may_begin_anywhere() -> None:
    clock = Clock()
    counts = Counts(clock)
    for pause in (0.75, 0.125, 0.125, 0.5, 0.375, 2):
        clock.now += pause
        with counts.call():
            pass
    assert counts.worst_second == 4


def test_the_same_seed_throws_the_same_for_a_key_whatever_others_do() -> None:
    wanted = Misbehaviour(error=0.3, garbage=0.2, cut=0.1, slow=0.1, lie=0.5, seed=7)
    alone, among = Dice(wanted), Dice(wanted)
    faults = [alone.fault("a") for _ in range(200)]
    seen = []
    for _ in range(200):
        among.fault("b")
        seen.append(among.fault("a"))
    assert seen == faults
    assert {None, "error", "garbage", "cut", "slow"} == set(faults)
    assert 40 < faults.count("error") < 80
    other = Dice(wanted.model_copy(update={"seed": 8}))
    assert [other.fault("a") for _ in range(200)] != faults


def test_a_retry_after_that_lies_is_one_of_those_asked_for() -> None:
    dice = Dice(Misbehaviour(lie=1, lies=("zero", "nonsense")))
    assert {dice.lie() for _ in range(50)} == {"0", "soon"}
    assert Dice(Misbehaviour()).lie() is None

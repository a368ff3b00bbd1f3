"""When a record is late, who is interrupted, and when interrupting is given up."""

import signal
import sys
from collections.abc import Iterator
from types import FrameType
from uuid import uuid4

import pytest

from backfill.workers import lookout as module
from backfill.workers.hand import Hand
from backfill.workers.lookout import Lookout
from backfill.workers.watch import RecordTimeoutError, Watch

ALLOWED, PARTITION = 30.0, 300.0


class Clock:
    """The time, as the test sets it, and the signals sent."""

    now = 1_000.0

    def __init__(self) -> None:
        self.signals: list[int] = []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr("backfill.workers.watch.monotonic", lambda: clock.now)
    monkeypatch.setattr(module, "monotonic", lambda: clock.now)
    monkeypatch.setattr(signal, "pthread_kill", lambda _, number: clock.signals.append(number))
    return clock


@pytest.fixture
def watch() -> Watch:
    return Watch("partition 000000001 of job J")


@pytest.fixture
def lookout(clock: Clock, watch: Watch) -> Lookout:
    return Lookout(ALLOWED, PARTITION, lambda: [Watch("partition 000000002 of job J"), watch])


def test_a_record_within_its_time_is_left_alone(clock: Clock, lookout: Lookout, watch: Watch) -> None:
    watch.begin(7)
    clock.now += ALLOWED
    assert [lookout.look() for _ in range(3)] == [None] * 3
    lookout.interrupt(signal.SIGURG, None)
    assert clock.signals == []


def test_a_late_record_is_signalled_at_the_second_look_and_raises_what_it_was_allowed(
    clock: Clock, lookout: Lookout, watch: Watch
) -> None:
    watch.begin(7)
    clock.now += ALLOWED + 0.1
    lookout.look()
    assert clock.signals == [], "a process that was frozen for so long gets another look"
    lookout.look()
    assert clock.signals == [signal.SIGURG]
    with pytest.raises(RecordTimeoutError, match="30 s that one record may take"):
        lookout.interrupt(signal.SIGURG, None)


def test_a_signal_that_comes_too_late_hits_nobody(clock: Clock, lookout: Lookout, watch: Watch) -> None:
    watch.begin(7)
    clock.now += ALLOWED + 0.1
    watch.end()
    lookout.interrupt(signal.SIGURG, None)
    watch.begin(8)
    lookout.interrupt(signal.SIGURG, None)
    assert watch.record == 8


def test_the_end_of_a_record_is_never_interrupted(clock: Clock, lookout: Lookout, watch: Watch) -> None:
    watch.begin(7)
    clock.now += ALLOWED + 0.1
    seen: list[bool] = []

    def interrupt(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is Watch.end.__code__:
            lookout.interrupt(signal.SIGURG, frame)
            seen.append(True)

    sys.settrace(interrupt)
    try:
        watch.end()
    finally:
        sys.settrace(None)
    assert seen
    assert watch.record is None


def test_who_swallows_it_has_as_long_again(clock: Clock, lookout: Lookout, watch: Watch) -> None:
    watch.begin(7)
    clock.now += ALLOWED + 0.1
    with pytest.raises(RecordTimeoutError):
        lookout.interrupt(signal.SIGURG, None)
    clock.now += ALLOWED
    lookout.interrupt(signal.SIGURG, None)
    clock.now += 0.1
    with pytest.raises(RecordTimeoutError):
        lookout.interrupt(signal.SIGURG, None)


def test_a_record_that_no_signal_ends_is_given_up(clock: Clock, lookout: Lookout, watch: Watch) -> None:
    watch.begin(7)
    clock.now += ALLOWED + PARTITION + 0.1
    assert [lookout.look(), lookout.look()] == [None, None]
    assert lookout.look() is watch
    assert watch.place == "partition 000000001 of job J"


def test_what_a_thread_computes_is_never_interrupted_only_given_up(
    clock: Clock, lookout: Lookout, watch: Watch
) -> None:
    watch.is_in_thread = True
    watch.begin(7)
    clock.now += ALLOWED + PARTITION
    assert [lookout.look() for _ in range(3)] == [None] * 3
    lookout.interrupt(signal.SIGURG, None)
    assert clock.signals == []
    clock.now += 0.1
    assert lookout.look() is None, "a process that was frozen for so long gets another look"
    assert lookout.look() is watch


@pytest.mark.parametrize(("record_seconds", "interval"), [(0.1, 0.025), (0.8, 0.2), (30, 0.25)])
def test_looks_are_several_a_second_and_a_quarter_of_the_time_at_most(record_seconds: float, interval: float) -> None:
    assert Lookout(record_seconds, 300, list).interval == interval


def test_what_is_in_hand_has_a_watch_until_it_is_let_go() -> None:
    hand, job = Hand(), uuid4()
    with hand.holding_partition(job, "000000001"):
        assert hand.held(job, "000000001")
        assert [watch.place for watch in hand.watches()] == [f"partition 000000001 of job {job}"]
    assert not hand.held(job, "000000001")
    assert hand.watches() == []

"""Which delivery comes next: high before normal before low, and every fourth from those below."""

import asyncio
from typing import Any, ClassVar

import pytest

from backfill import settings
from backfill.modes import Priority
from backfill.workers.links.intake import BELOW_EVERY, Intake
from backfill.workers.links.subscription import Delivery, Subscription


class Text(str):
    """A message that is told by its text."""

    headers: ClassVar[dict[str, Any]] = {}


@pytest.fixture
def intake() -> Intake:
    return Intake(settings.read(), "amqp://localhost", ["counter"], prefetch=5, name="test", say=print)


def arrive(intake: Intake, high: int, normal: int, low: int = 0) -> None:
    """Put deliveries into the buffers as the consumers would."""
    queue: Any = None
    for priority, count in ((Priority.HIGH, high), (Priority.NORMAL, normal), (Priority.LOW, low)):
        for number in range(count):
            message: Any = Text(f"{priority.value} {number}")
            intake._buffers[priority].append(Delivery("counter", message, Subscription("counter", queue)))
    intake._arrived.set()


def taken(intake: Intake, count: int) -> list[str]:
    found = [intake._pick() for _ in range(count)]
    return [str(delivery.message) for delivery in found if delivery]


def test_high_comes_first_and_every_fourth_is_normal(intake: Intake) -> None:
    arrive(intake, high=8, normal=8)
    kinds = [text.split()[0] for text in taken(intake, 8)]
    assert kinds == ["high", "high", "high", "normal"] * 2


def test_within_a_queue_the_order_is_kept(intake: Intake) -> None:
    arrive(intake, high=0, normal=5)
    assert taken(intake, 5) == [f"normal {n}" for n in range(5)]


def test_high_never_starves_normal(intake: Intake) -> None:
    arrive(intake, high=1_000, normal=1)
    assert "normal 0" in taken(intake, BELOW_EVERY)


@pytest.mark.parametrize(
    ("waiting", "shares"),
    [
        ((100, 100, 100), (48, 12, 4)),
        ((100, 100, 0), (48, 16, 0)),
        ((100, 0, 100), (48, 0, 16)),
        ((0, 100, 100), (0, 48, 16)),
        ((0, 0, 100), (0, 0, 64)),
    ],
)
def test_each_queue_leaves_every_fourth_of_its_turns_to_those_below(
    intake: Intake, waiting: tuple[int, int, int], shares: tuple[int, int, int]
) -> None:
    arrive(intake, *waiting)
    kinds = [text.split()[0] for text in taken(intake, 64)]
    assert tuple(kinds.count(priority) for priority in ("high", "normal", "low")) == shares


def test_nothing_above_starves_low(intake: Intake) -> None:
    arrive(intake, high=1_000, normal=1_000, low=1)
    assert "low 0" in taken(intake, BELOW_EVERY**2)


def test_what_comes_alone_is_taken_at_once_and_owes_nothing(intake: Intake) -> None:
    arrive(intake, high=7, normal=0)
    taken(intake, 7)
    arrive(intake, high=3, normal=3)
    assert [text.split()[0] for text in taken(intake, 4)] == ["high"] * 3 + ["normal"]


def test_nothing_is_left_over(intake: Intake) -> None:
    arrive(intake, high=3, normal=4, low=2)
    assert intake.buffered == 9
    assert len(taken(intake, 20)) == 9
    assert intake.buffered == 0


async def test_waiting_ends_when_something_arrives_and_each_delivery_is_had_once(intake: Intake) -> None:
    waiting = [asyncio.create_task(intake.next()) for _ in range(3)]
    await asyncio.sleep(0)
    arrive(intake, high=1, normal=2)
    found = {str((await task).message) for task in waiting}
    assert found == {"high 0", "normal 0", "normal 1"}

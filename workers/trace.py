"""Debug lines of each delivery: what was claimed, and how it was settled, with its counts and its time."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from backfill import log
from backfill.errors import ContractError
from backfill.ledger.partitions import Claim
from backfill.ledger.tally import Tally
from backfill.message import decode


@dataclass
class Course:
    """What became of one delivery so far."""

    began: float = field(default_factory=monotonic)
    place: tuple[UUID, str] | None = None  # job and partition; None: the body is no message
    claim: Claim | None = None
    counts: Counter[str] = field(default_factory=Counter)  # of committed records
    settled: str = "returned"  # to the broker, by a lost link or the process's end


# Of the task that works on a delivery; None: nobody asks for debug lines.
_course: ContextVar[Course | None] = ContextVar("course", default=None)


@contextmanager
def delivery(body: bytes, say: Callable[[str], None]) -> Iterator[Course]:
    """Around the work on one delivery; says how it ended."""
    course = Course()
    if not log.is_debugging():
        yield course
        return
    with suppress(ContractError):
        message = decode(body)
        course.place = (message.job_id, message.partition_key)
    token = _course.set(course)
    try:
        yield course
    finally:
        _course.reset(token)
        _say_settled(course, say)


def claimed(claim: Claim, say: Callable[[str], None]) -> None:
    """The ledger has given the partition to this worker."""
    if (course := _course.get()) is not None and course.place is not None:
        course.claim = claim
        text = f"Claimed partition {course.place[1]} of job {course.place[0]}, attempt {claim.attempt}."
        log.debug(say, text, attempt=claim.attempt)


def committed(tally: Tally) -> None:
    """Count what a transaction of the delivery at hand has committed."""
    if (course := _course.get()) is not None:
        course.counts.update(tally.counts())


def _say_settled(course: Course, say: Callable[[str], None]) -> None:
    ms = round((monotonic() - course.began) * 1000, 1)
    counts = dict(course.counts)
    told = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    outcome = (told or "no record") if course.claim is not None else "nothing to claim"
    if course.place is None:
        log.debug(say, f"Settled a message that is none of ours: {course.settled} in {ms:,} ms.", ms=ms)
        return
    job, partition = course.place
    with log.about(job, partition):
        text = f"Settled partition {partition} of job {job}: {course.settled} in {ms:,} ms, {outcome}."
        log.debug(say, text, ms=ms, counts=counts)

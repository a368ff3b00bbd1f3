"""An idempotency key belongs to one request: who uses it again means the same job."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from backfill import parameters, statements
from backfill.database import Connection
from backfill.errors import ConflictError, UsageError
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.ledger.progress import Progress
from backfill.states import JobState
from backfill.texts import clean, is_fit

MOST_OF_A_KEY: Final = 500  # characters: an index has to hold it
MOST_SHOWN: Final = 60  # of a value that differs


def check(key: str) -> None:
    """Refuse what cannot be stored as it is; changed, it might be another's."""
    if not key:  # from a variable that is not set, perhaps: not the same job again and again
        raise UsageError("the idempotency key is empty; give one that names this job, or leave the option out")
    if not is_fit(key) or len(key) > MOST_OF_A_KEY:
        raise UsageError(
            f"the idempotency key {clean(key, 100)!r} has a character that cannot be stored, or more than "
            f"{MOST_OF_A_KEY}; give one of plain text"
        )


async def find(connection: Connection, key: str) -> UUID | None:
    """The job that was opened with this key and has not been deleted."""
    check(key)
    found: UUID | None = await connection.fetchval(statements.read("ledger/idempotency/find"), key)
    return found


def need_same(job: Job, ids: tuple[str, ...], request: Request, backfill: str, given: dict[str, Any]) -> None:
    """Raise ConflictError naming what differs, but for what `backfill set` may have changed: see `changeable`."""
    pairs = {
        "backfill": (job.backfill, backfill),
        "--mode": (job.mode, request.mode),
        "--limit": (job.record_limit, request.limit),
        "--batch-size": (job.batch_size, request.batch_size),
        "--order": (job.sort_order, request.order),
        "--after": (job.after_key, request.after),
        "--id": (sorted(ids), sorted(request.ids)),
        "-P": _differing(job.parameters, given),
    }
    differing = [f"{name} {_shown(now)} (was {_shown(then)})" for name, (then, now) in pairs.items() if then != now]
    if differing:
        raise ConflictError(
            f"idempotency key {request.idempotency_key!r} belongs to job {job.id}, which was opened for something "
            f"else: {', '.join(differing)}; give this call a key of its own, or call as before"
        )


def changeable(now: Progress, request: Request) -> Iterator[tuple[str, str, str]]:
    """What the request asks for and the job has otherwise, of what an operator may have changed: option, now, asked."""
    pairs = {
        "priority": (now.priority, request.priority.value),
        "max-workers": (now.max_workers, request.max_workers),
        "pause-ms": (now.pause_ms, request.pause_ms),
        "deadline": (_moment(now.sla_deadline_at), _moment(request.deadline)),
    }
    yield from ((name, _shown(now), str(then)) for name, (now, then) in pairs.items() if then not in (None, now))


def need_wanted(job: Job) -> None:
    """Raise ConflictError when the job came to nothing: the same call again would not do its records."""
    if job.state not in (JobState.FAILED, JobState.CANCELLED):
        return
    why = f" ({job.error_message})" if job.error_message else ""
    again = f", or its failed records with: backfill retry {job.id}" if job.state is JobState.FAILED else ""
    raise ConflictError(
        f"job {job.id}, opened with idempotency key {job.idempotency_key!r}, is {job.state}{why}; "
        f"queue its records with another key{again}"
    )


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, str]:
    """The parameters that are not the same; the database keeps them in an order of its own."""
    names = [name for name in {**now, **then} if then.get(name) != now.get(name)]
    was, given = ({name: of.get(name) for name in names} for of in (then, now))
    return parameters.shown(was), parameters.shown(given)


def _moment(value: datetime | None) -> str | None:
    """As `backfill set` takes it."""
    return None if value is None else f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        value = ",".join(value)
    return "none" if value in (None, "") else clean(value, MOST_SHOWN)

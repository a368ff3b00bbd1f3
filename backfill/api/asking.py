"""What a program asks for, checked as a command line is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from backfill import application, parameters, settings
from backfill.api.outcome import Result
from backfill.definition import Definition
from backfill.errors import UsageError
from backfill.ledger.jobs import Request
from backfill.modes import MOST_IDS, MOST_OF_A_BATCH, Mode, Priority
from backfill.settings import Settings
from backfill.texts import one_line

Wanted: TypeAlias = str | type[Definition] | Definition
Reference: TypeAlias = Result | UUID | str


@dataclass(frozen=True)
class Asked:
    """A definition with its parameters, and which of its records."""

    settings: Settings
    definition: Definition
    request: Request


def asked(
    definition: Wanted,
    given: Mapping[str, Any],
    *,
    mode: str | None = None,
    limit: int | None = None,
    batch_size: int | None = None,
    priority: str = "normal",
    order: str = "asc",
    ids: Iterable[Any] = (),
    after: Any = None,
    parameters_given: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Asked:
    """Raises UsageError for whatever makes no sense."""
    made = application.one(definition)
    if parameters_given is not None:
        made = parameters.chosen(made, parameters_given)
    texts = tuple(str(one) for one in ids)
    _need(len(texts) <= MOST_IDS, f"at most {MOST_IDS:,} ids; leave them out and give a limit instead")
    _need(limit is None or limit > 0, f"limit={limit}: give at least 1, or None")
    batch_size = made.batch_size if batch_size is None else batch_size
    _need(1 <= batch_size <= MOST_OF_A_BATCH, f"batch_size={batch_size}: give 1 to {MOST_OF_A_BATCH:,}")
    request = Request(
        made.mode if mode is None else Mode(_among("mode", mode, [one.value for one in Mode])),
        Priority(_among("priority", priority, [one.value for one in Priority])),
        _among("order", order, ["asc", "desc"]),
        batch_size,
        limit,
        texts,
        None if after is None else str(after),
        idempotency_key,
    )
    return Asked(read_settings(given), made, request)


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Settings from the environment, and those that are given by their names; raises UsageError."""
    unknown = [name for name in given if name not in Settings.model_fields]
    _need(not unknown, f"unknown: {', '.join(unknown)}; the settings are {', '.join(Settings.model_fields)}")
    return settings.read(**given)


def reference_of(job: Reference) -> str:
    """A job's id, the beginning of one, or latest."""
    if not isinstance(job, Result):
        return str(job)
    if job.id is None:
        raise UsageError("no record matched, so there is no job: look at `result.id` first")
    return str(job.id)


def _among(name: str, value: str, known: list[str]) -> str:
    _need(value in known, f"{name}={one_line(value, 100)}: give one of {', '.join(known)}")
    return value


def _need(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise UsageError(otherwise)

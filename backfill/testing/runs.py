"""Run a definition to its end, by the code of `backfill run`, and say what it came to."""

import os
from dataclasses import dataclass, field
from typing import Any, Final

from backfill import settings
from backfill.api import planning
from backfill.api.running import Run
from backfill.definition import Definition
from backfill.ledger import jobs
from backfill.ledger.jobs import Request
from backfill.ledger.progress import Progress
from backfill.modes import Mode, Priority
from backfill.settings import Settings
from backfill.states import OUTCOMES
from backfill.testing import definitions
from backfill.testing.databases import Database

MOST_FAILURES: Final = 1_000
# A test does not wait for minutes; what the environment says wins.
QUICK: Final = {
    "BACKFILL_RETRY_DELAYS": "0.1,0.1,0.1,0.1,0.1",
    "BACKFILL_RECONCILE_SECONDS": "0.2",
}


@dataclass(frozen=True)
class Ended:
    """What a job came to; without a record to do it is `completed`, and there is no `job`."""

    state: str
    counts: dict[str, int]  # records by outcome, without zeros: updated, unchanged, skipped, failed, deleted
    failures: dict[str, tuple[str, str]]  # by key: the error's class and message
    skipped: dict[str, int]  # by reason
    tables: dict[str, list[dict[str, Any]]]  # all rows of what the definition writes, as they are now
    job: Progress | None = field(repr=False)
    lines: list[str] = field(repr=False)  # what a person would have been shown

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Those of the table, or of the first one of `writes`; of a column in the order of keys."""
        return next(iter(self.tables.values()))


async def ran(
    definition: Definition | type[Definition],
    database: Database | str,
    *,
    mode: str | None = None,
    batch_size: int | None = None,
    **parameters: Any,
) -> Ended:
    """Plan a job and work on it until it has ended, or is paused; the database has the ledger and the tables.

    Raises what `backfill run` would refuse to begin with.
    """
    made, place = definitions.made(definition, parameters), Database(str(database))
    request = Request(
        Mode(mode) if mode else made.mode, Priority.NORMAL, "asc", batch_size or made.batch_size, None, (), None, None
    )
    shown = _Shown()
    run = Run(configured(place), made, shown, concurrency=3, stats_interval=10_000, ends_process=False)
    found = await run.work(planning.whole(made, request))
    return await ended(place, made, found.progress, shown.lines)


def configured(database: Database) -> Settings:
    """Settings for a test: quick where the environment does not say otherwise."""
    quick = {name.removeprefix("BACKFILL_").lower(): value for name, value in QUICK.items() if name not in os.environ}
    return settings.read(database_url=database.url, **quick)


async def ended(database: Database, definition: Definition, job: Progress | None, lines: list[str]) -> Ended:
    async with database.connect() as connection:
        tables = await definitions.rows(connection, definition)
        if job is None:
            return Ended("completed", {}, {}, {}, tables, None, lines)
        failed = await jobs.failures(connection, job.job_id, MOST_FAILURES)
    counts = {outcome: number for outcome in OUTCOMES if (number := getattr(job, outcome))}
    failures = {row["record_id"]: (row["error_class"], row["error_message"]) for row in failed}
    return Ended(job.state.value, counts, failures, job.skip_reasons, tables, job, lines)


class _Shown:
    """A report that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.lines.append(f"warning: {text}")

    def note(self, text: str) -> None:
        self.lines.append(text)

    def begin(self, expected: int, queued: int) -> None:
        """The numbers are those of the ledger."""

    def batch(self, partition_key: str, records: int) -> None:
        """The same."""

"""What a job is planned from: the table of a column, or the keys that a definition names."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from backfill.definition import Definition
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.ledger.planning import Page
from backfill.producers.parts import Connection, Parts
from backfill.texts import one_line


class Source(Protocol):
    """Gives the partitions of a job, page by page, in order of work."""

    async def plan(self, cursor: str | None, next_number: int, room: int | None) -> Page | None:
        """Plan what comes behind the cursor, at most `room` records, in one transaction; None when nothing is left."""


@dataclass(frozen=True)
class ShownPlan:
    """How the records are found: by a predicate on a table, or as keys from the first to the last one."""

    predicate: str | None = None
    query_plan: tuple[str, ...] = ()
    first_key: str | None = None
    last_key: str | None = None

    def lines(self) -> Iterator[str]:
        if self.predicate is not None:
            yield f"Predicate: {one_line(self.predicate)}"
        for line in self.query_plan:
            yield f"    {line}"
        if self.first_key is not None:
            yield f"Keys: {one_line(self.first_key)} to {one_line(self.last_key)}"


@dataclass(frozen=True)
class Planning:
    """Of one job by one producer, on a connection of its own."""

    parts: Parts
    connection: Connection
    job: Job
    producer: UUID


class Prepared(Protocol):
    """A request held against the database as it is now."""

    @property
    def definition(self) -> Definition: ...

    @property
    def request(self) -> Request: ...

    @property
    def words(self) -> str:
        """Which records, for people."""

    @property
    def matched(self) -> int:
        """At most the limit."""

    @property
    def is_estimate(self) -> bool: ...

    @property
    def batches(self) -> int: ...

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do; an estimate never says so."""

    @property
    def warnings(self) -> list[str]: ...

    @property
    def upper_key(self) -> str | None: ...

    @property
    def key_range(self) -> tuple[Decimal | None, Decimal | None]: ...

    @property
    def scope(self) -> dict[str, Any] | None:
        """What an active job must not have in common with another; None: its range of keys."""

    def of(self, matched: int) -> "Prepared":
        """The same with another number of records."""

    async def shown(self, connection: Connection) -> "ShownPlan":
        """What a dry run shows of how the records are found."""

    def source(self, planning: Planning) -> AbstractAsyncContextManager[Source]:
        """What is left to plan of a job."""

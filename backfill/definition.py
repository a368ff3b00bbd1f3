"""What every backfill has: a name, parameters, a limit on its calls, warnings, a result."""

import copy
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel

from backfill import fingerprint
from backfill.limit import Limit
from backfill.modes import Mode
from backfill.required import Required

if TYPE_CHECKING:  # a definition needs no driver, and --help no network library
    from backfill.database import Connection
    from backfill.ended_partition import EndedPartition
    from backfill.ledger.progress import Progress


class Skip(str):
    """Returned instead of values or an outcome: leave the record alone, for this reason.

    Keep reasons few: they are counted by their text, so an id in one makes a count of its own.
    """

    __slots__ = ()


class Outcome(StrEnum):
    """What `write` of a PartitionBackfill came to."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"  # what was there is what was fetched


class Definition:
    """What ColumnBackfill and PartitionBackfill have in common; subclass one of those.

    name     the job's `asset_name`, and part of the queue's name: letters, digits, underscores
    reads    tables that it reads besides: `backfill init --roles` lets workers read them, and no others
    settings what row-level security of its table, or of its `writes`, reads, such as {"app.organisation": "7"}; set
             while it is worked on
    limit    how often it may call a service, all workers together
    requires  backfills that must have been completed before a job of this one is opened, by name, or as
             Required(name, maximum_age=…); when a job is opened counts, not while it is worked on
    Parameters  a pydantic model of what is given when a job is queued (`-P factor=7`); `self.parameters` has it
             everywhere, the same in every worker. Stored with the job and shown: no secrets
    """

    name: ClassVar[str]
    mode: ClassVar[Mode] = Mode.NULL  # unless asked for another one
    batch_size: ClassVar[int] = 500  # the same
    reads: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[Mapping[str, str]] = {}
    requires: ClassVar[tuple[str | Required, ...]] = ()
    Parameters: ClassVar[type[BaseModel] | None] = None

    @property
    def limit(self) -> Limit | None:
        """How often it may call a service; give a Limit, or a property that makes one of `self.parameters`."""
        return None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """A process that works with the definition is inside of this from its start to its end.

        For what all its jobs share, such as a client with its connections: what is set on `self` here, they all have.
        Processes of `compute_in` are not in it.
        """
        yield

    @cached_property
    def parameters(self) -> Any:
        """What the job was given; outside of a job the defaults. Declare `parameters: Parameters` for type checkers."""
        return None if self.Parameters is None else self.Parameters()

    def with_parameters(self, parameters: BaseModel) -> Self:
        """The same definition with these parameters, as a job has it."""
        changed = copy.copy(self)
        vars(changed)["parameters"] = parameters
        return changed

    async def warnings(self, connection: "Connection") -> list[str]:
        """Sentences to show before a job starts, such as an empty input table."""
        del connection
        return []

    async def before_job(self, connection: "Connection", job: "Progress") -> None:
        """Prepare what the job needs, such as a table: once a job, before its first partition is worked on.

        In a transaction of its own, which is committed with a mark in the ledger: of all workers one does it, and the
        others wait for it. Must neither commit nor roll back. An exception undoes it and pauses the job.
        """
        del connection, job

    async def after_partition(self, partition: "EndedPartition") -> None:
        """Hear of a partition that has ended, after the commit and outside of transactions; for 10 seconds at most.

        Told at most once, and not at all if the worker dies before. An exception is logged once a job, nothing more.
        """
        del partition

    async def throttle(self, connection: "Connection") -> str | None:
        """Give a reason to hold, such as a replica that lags: nothing new is begun until there is none.

        Asked once a second by each worker, between partitions. What is held is no attempt, and `status` shows the
        reason. An exception, or more than 5 seconds, is logged once a job and holds nothing.
        """
        del connection
        return None

    async def finish(self, connection: "Connection", job: "Progress") -> Mapping[str, Any]:
        """Say what the job came to, once all of it is done; becomes the job's result, which `status` shows.

        Called in the transaction that completes the job, and only there: what it writes is written once, or not at all.
        An error undoes it and pauses the job. The job's numbers are its last ones.
        """
        del connection, job
        return {}

    def fingerprint(self) -> str:
        """A few digits that change with the definition: backfill/fingerprint.py says what they cover."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint.fingerprint(self, self._declared())

    def _declared(self) -> Mapping[str, Any]:
        """Attributes that say what is done, whatever the source of the class looks like."""
        return {"name": self.name}

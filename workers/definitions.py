"""The definitions of the app as the jobs in hand need them: the same one, its parameters, the table as it is now."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from backfill import fingerprint, needs, parameters, probing, rights
from backfill.catalog import ChangedTableError, Target, resolve
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection
from backfill.definition import Definition
from backfill.errors import SchemaError, UsageError
from backfill.ledger import definitions as ledger
from backfill.ledger import partitions
from backfill.ledger.definitions import Ordered
from backfill.ledger.partitions import Claim
from backfill.message import PartitionMessage
from backfill.modes import Mode
from backfill.partition_backfill import PartitionBackfill
from backfill.settings import Settings
from backfill.workers.troubles import Troubles

REST_SECONDS: Final = 1.0  # before a partition that is for others is queued again
MOST_JOBS: Final = 100  # remembered; the one that was met first is looked up again


Found: TypeAlias = Target | PartitionBackfill


class ChangedDefinitionError(SchemaError):
    """The definition is another one than the job was opened with."""


class FormerDefinitionError(Exception):
    """The job is for workers that have a newer definition than this one: why, as is said of the job."""


@dataclass(frozen=True)
class _Known:
    definition_hash: str  # of the job, when it was met
    target: Found


class Definitions:
    """Finds what a claim is to be worked on with."""

    def __init__(self, settings: Settings, definitions: dict[str, Definition], say: Callable[[str], None]) -> None:
        self._settings = settings
        self._definitions = definitions
        self._troubles = Troubles(say)
        self._known: dict[UUID, _Known] = {}

    async def target(self, connection: Connection, message: PartitionMessage, claim: Claim) -> Found:
        """What to compute with and where to write; a definition that writes for itself.

        Raises SchemaError with what pauses the job, and FormerDefinitionError when it is for other workers.
        """
        known = self._known.get(message.job_id)
        if known is None or known.definition_hash != claim.definition_hash:
            known = await self._meet(connection, message.job_id, message.backfill, message.mode)
            self._known.pop(message.job_id, None)
            while len(self._known) >= MOST_JOBS:
                del self._known[next(iter(self._known))]
            self._known[message.job_id] = known
        return known.target

    def known(self, job_id: UUID) -> Definition | None:
        """The definition of a job that was met here."""
        found = self._known.get(job_id)
        if found is None:
            return None
        return found.target.definition if isinstance(found.target, Target) else found.target

    async def cause(
        self,
        connection: Connection,
        message: PartitionMessage,
        target: Found | None,
        error: Exception,
    ) -> Exception:
        """What an error under a target comes of: ChangedTableError where the table is another one by now."""
        if not isinstance(target, Target) or not isinstance(error, asyncpg.SyntaxOrAccessError | ChangedTableError):
            return error
        known = self._known.get(message.job_id)
        if known is not None and known.target is target:  # else another slot was faster
            del self._known[message.job_id]
        try:
            now = await resolve(connection, target.definition, message.mode)
        except SchemaError as missing:
            return missing
        return ChangedTableError() if now.shape != target.shape else error

    async def leave(
        self, connection: Connection, message: PartitionMessage, claim: Claim, why: FormerDefinitionError
    ) -> None:
        """Leave the partition to workers that have the job's definition."""
        await partitions.release(connection, claim)
        self._troubles.tell(message.job_id, f"Job {message.job_id} {why}")
        await asyncio.sleep(REST_SECONDS)
        await partitions.forget_message(connection, message)

    async def of_job(self, connection: Connection, job_id: UUID, backfill: str) -> tuple[Ordered, Definition]:
        """The definition as the job was opened with; raises as `target` does."""
        definition = self._definitions[backfill]
        ordered = await self._agreed(connection, job_id, definition)
        try:
            return ordered, parameters.of_job(definition, ordered.parameters)
        except UsageError as error:
            raise SchemaError(
                f"{error}; start workers that have the definition it was opened with, or cancel it"
            ) from None

    async def _meet(self, connection: Connection, job_id: UUID, backfill: str, mode: Mode) -> _Known:
        ordered, definition = await self.of_job(connection, job_id, backfill)
        if isinstance(definition, PartitionBackfill):
            await needs.need_tables(connection, definition)
            await rights.need_to_write(connection, definition)  # else services would be asked for nothing
            return _Known(ordered.definition_hash, definition)
        assert isinstance(definition, ColumnBackfill)  # noqa: S101 - there are these two
        target = await resolve(connection, definition, mode)
        await rights.need_to_write(connection, definition)
        await probing.need_fit_where(connection, target)
        return _Known(ordered.definition_hash, target)

    async def _agreed(self, connection: Connection, job_id: UUID, definition: Definition) -> Ordered:
        """What the job asks for, once it is clear that this definition may do it."""
        own = definition.fingerprint()
        while True:
            ordered = await ledger.ordered(connection, job_id)
            theirs = ordered.definition_hash
            if theirs == own:
                return ordered
            if fingerprint.is_comparable(theirs):
                break
            await ledger.adopt(connection, job_id, theirs, own)
        if own in ordered.former_hashes:
            raise FormerDefinitionError(
                f"goes on with a newer definition of {definition.name} than this worker has; start this worker again "
                "with that one"
            )
        changed = f"the definition of {definition.name} has changed since job {job_id} was opened"
        if self._settings.on_changed_definition == "pause":
            await ledger.offer(connection, job_id, theirs, own)
            raise ChangedDefinitionError(
                f"{changed} (hash {theirs}, a worker has {own}); to go on with the changed one: backfill resume "
                f"{job_id} --accept-definition; else deploy the former one, and resume without"
            )
        self._troubles.tell(
            job_id, f"warning: {changed} (hash {theirs}, this worker has {own}); going on, as it is set to"
        )
        return ordered

"""What a definition may do around its partitions: hold them, come before the job, hear of their end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

import asyncpg

from backfill import texts
from backfill.database import Connection, Pool, is_transient
from backfill.definition import Definition
from backfill.errors import SchemaError
from backfill.failpoints import failpoint
from backfill.ledger import hooks, progress
from backfill.ledger.partitions import Claim
from backfill.workers.computing.guarding import LateError, guarded
from backfill.workers.holding import Holding
from backfill.workers.kept import Kept

ASK_SECONDS: Final = 1.0  # `throttle` is asked so often, and no oftener
THROTTLE_SECONDS: Final = 5.0  # it may take
AFTER_SECONDS: Final = 10.0  # `after_partition` may take
LOOK_SECONDS: Final = 0.25  # while another worker does what comes before the job
MOST_OF_A_REASON: Final = 300  # characters
MOST_JOBS: Final = 1_000  # remembered
# Somebody else was in the way: the same transaction succeeds a moment later.
RACES: Final = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)

T = TypeVar("T")


class BeforeJobError(SchemaError):
    """`before_job` of a definition does not work: its job waits until it is corrected."""


class _JobOverError(Exception):
    """The job has ended meanwhile: nothing is kept."""


@dataclass
class _Asked:
    """What `throttle` said of a job."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: float = float("-inf")
    reason: str | None = None


class Hooks:
    """Of all definitions of a worker; nothing is done for one that has none."""

    def __init__(self, pool: Pool, holding: Holding) -> None:
        self._pool = pool
        self._holding = holding
        self._begun: dict[UUID, None] = {}  # jobs before which all was done
        self._asked: dict[UUID, _Asked] = {}

    async def begin(self, connection: Connection, definition: Definition, claim: Claim) -> None:
        """Let a claim begin: not while `throttle` has a reason, and not before `before_job` was done.

        Raises BeforeJobError, and GivenBackError for a claim that was given back.
        """
        if type(definition).throttle is not Definition.throttle:
            async with self._kept(connection, claim) as kept:
                await self._throttled(connection, definition, claim, kept)
        if type(definition).before_job is not Definition.before_job and claim.job_id not in self._begun:
            async with self._kept(connection, claim) as kept:
                await self._before(connection, definition, claim, kept)
            _remember(self._begun, claim.job_id, None)

    async def after(self, definition: Definition | None, claim: Claim) -> None:
        """Tell of the partition, if it has ended under this claim; nothing that goes wrong is the partition's."""
        if definition is None or type(definition).after_partition is Definition.after_partition:
            return
        try:
            async with self._pool.acquire(timeout=5) as connection:
                partition = await hooks.ended(connection, claim)
        except Exception as error:
            if not is_transient(error):
                raise
            return
        failpoint("worker.after_partition")
        if partition is None:
            return
        stopping = self._holding.stopping
        try:
            await guarded(definition.after_partition(partition), asyncio.timeout(AFTER_SECONDS), stopping)
        except Exception as error:
            self._tell_once(claim.job_id, "after_partition", definition, error)

    @asynccontextmanager
    async def _kept(self, connection: Connection, claim: Claim) -> AsyncIterator[Kept]:
        kept, goes_on = Kept(self._holding, connection, claim), False
        try:
            yield kept
            goes_on = True
        finally:
            await kept.end(goes_on=goes_on)

    # --- throttle

    async def _throttled(self, connection: Connection, definition: Definition, claim: Claim, kept: Kept) -> None:
        about = (claim.job_id, "throttle holds")
        while (reason := await self._reason(connection, definition, claim)) is not None:
            held = f"rests for throttle of {definition.name}: {reason}"
            self._holding.tell_unless_told(about, f"Job {claim.job_id} is held: it {held}")
            await kept.rest(held, ASK_SECONDS)
        self._holding.goes_on(about, f"Job {claim.job_id}")

    async def _reason(self, connection: Connection, definition: Definition, claim: Claim) -> str | None:
        """Asked by one of the slots for all of them."""
        asked = self._asked.get(claim.job_id) or _remember(self._asked, claim.job_id, _Asked())
        async with asked.lock:
            if time.monotonic() - asked.at >= ASK_SECONDS:
                asked.reason = await self._ask(connection, definition, claim)
                asked.at = time.monotonic()
        return asked.reason

    async def _ask(self, connection: Connection, definition: Definition, claim: Claim) -> str | None:
        try:
            async with connection.transaction():
                said: object = await guarded(
                    definition.throttle(connection), asyncio.timeout(THROTTLE_SECONDS), self._holding.stopping
                )
            if said is not None and not isinstance(said, str):
                raise TypeError(f"it returned {type(said).__name__}: return a reason, or None")
        except Exception as error:
            if connection.is_closed():
                raise
            self._tell_once(claim.job_id, "throttle", definition, error)
            return None
        return texts.one_line(said, MOST_OF_A_REASON) if said else None

    # --- before_job

    async def _before(self, connection: Connection, definition: Definition, claim: Claim, kept: Kept) -> None:
        name = definition.name
        while True:
            try:
                if await self._is_done(connection, definition, claim, kept):
                    return
                reason = f"waits for before_job of {name}, which is under way"
            except RACES:
                reason = f"waits for a lock that before_job of {name} needs"
            await kept.rest(reason, LOOK_SECONDS)

    async def _is_done(self, connection: Connection, definition: Definition, claim: Claim, kept: Kept) -> bool:
        """Do it, unless somebody has; False while somebody else is at it."""
        if await hooks.is_done(connection, claim.job_id):
            return True
        try:
            async with connection.transaction(isolation="read_committed"):
                if not await hooks.try_lock(connection, claim.job_id):
                    return False
                if not await hooks.is_done(connection, claim.job_id):
                    failpoint("worker.in_before_job")
                    await self._call(connection, definition, claim)
                    if not await hooks.mark(connection, claim.job_id):
                        raise _JobOverError
                    failpoint("worker.before_job_commit")
        except _JobOverError:
            await kept.give_back(f"waits for before_job of {definition.name}")
        return True

    async def _call(self, connection: Connection, definition: Definition, claim: Claim) -> None:
        name = definition.name
        job = await progress.read(connection, claim.job_id)
        try:
            await guarded(definition.before_job(connection, job), asyncio.timeout(None), self._holding.stopping)
        except RACES:
            raise
        except Exception as error:
            if connection.is_closed():
                raise
            raise BeforeJobError(
                f"before_job of {name} raised {texts.in_a_line(error)}; nothing of it was kept"
            ) from error
        if not connection.is_in_transaction():
            raise BeforeJobError(
                f"before_job of {name} has ended its transaction: it must neither commit nor roll back"
            )

    def _tell_once(self, job_id: UUID, hook: str, definition: Definition, error: Exception) -> None:
        bound = {"throttle": THROTTLE_SECONDS, "after_partition": AFTER_SECONDS}[hook]
        late = isinstance(error, LateError)
        what = f"did not end within {bound:g} s" if late else f"raised {texts.in_a_line(error)}"
        self._holding.tell_unless_told(
            (job_id, hook), f"{hook} of {definition.name} {what}; job {job_id} goes on. This is said once."
        )


def _remember(known: dict[UUID, T], job_id: UUID, value: T) -> T:
    while len(known) >= MOST_JOBS:
        del known[next(iter(known))]
    known[job_id] = value
    return value

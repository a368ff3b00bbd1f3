"""End jobs that are done: sweep what still matches, let the definition finish, complete or fail them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import asyncpg
from pydantic_core import PydanticSerializationError, to_json

from backfill import sessions, texts
from backfill.actor import WORKER
from backfill.catalog import Target, resolve
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection, is_transient
from backfill.definition import Definition
from backfill.errors import BackfillError, ConflictError, SchemaError
from backfill.ledger import jobs, operations, progress, reconciling
from backfill.ledger.job import Job
from backfill.ledger.pace import Pace
from backfill.ledger.reconciling import Ended
from backfill.ledger.sweeping import Swept
from backfill.log import about, warn
from backfill.settings import Settings
from backfill.workers.computing.guarding import LateError, guarded
from backfill.workers.definitions import Definitions, FormerDefinitionError
from backfill.workers.troubles import Troubles

SWEEP_SECONDS: Final = 5.0  # at a stretch, before the other backfills have their turn
MOST_OF_A_RESULT: Final = 10_000  # characters
# Somebody else was at the same rows: a moment later it succeeds.
RACES: Final = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)


class FinishError(SchemaError):
    """`finish` of a definition does not work: its job waits until it is corrected."""


class Closing:
    """Closes the jobs of this worker's backfills, one of which may be anybody's at a time."""

    def __init__(
        self, settings: Settings, definitions: dict[str, Definition], troubles: Troubles, say: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._app = definitions
        self._definitions = Definitions(settings, definitions, say)
        self._troubles = troubles
        self._say = say
        self._pace = Pace(rows=10_000)

    async def close(self, connection: Connection, job: Job) -> bool:
        """Roll one job up and end it if it is done; True when there is more of it to do. Publishes nothing."""
        with about(job.id):
            try:
                found_more = await self._close_if_ended(connection, job)
            except FinishError as error:
                await self._pause(connection, job, error)
                return False
            except Exception as error:
                self._troubles.tell_or_raise(job.id, f"Cannot close job {job.id}", error)
                return isinstance(error, RACES)
        self._troubles.over(job.id)
        return found_more

    async def _close_if_ended(self, connection: Connection, job: Job) -> bool:
        counts = await jobs.roll_up(connection, job.id)
        if counts is None:  # deleted meanwhile
            return False
        share, minimum = self._settings.failed_share, self._settings.failed_minimum
        error = reconciling.too_many_failed(counts, share, minimum)
        if error and await reconciling.give_up(connection, job.id, error):
            warn(self._say, f"Job {job.id} failed: {error}.")
            return False
        if not counts.ended:
            return False
        definition = self._app[job.backfill]
        if type(definition).finish is not Definition.finish:
            try:
                _, definition = await self._definitions.of_job(connection, job.id, job.backfill)
            except FormerDefinitionError:  # a worker with the job's own will
                return False
            except SchemaError as error:
                raise FinishError(str(error)) from error
        if not isinstance(definition, ColumnBackfill):  # nothing to sweep: every key was named
            async with sessions.of_definition(connection, definition.settings):
                return await self._close(connection, None, definition, job)
        target = await resolve(connection, definition, job.mode)
        async with target.session(connection):
            return await self._close(connection, target, definition, job)

    async def _close(self, connection: Connection, target: Target | None, definition: Definition, job: Job) -> bool:
        """Sweep what has all ended, and end it; True when it found more to do or is not over, by whomever."""
        share, minimum = self._settings.failed_share, self._settings.failed_minimum

        async def finish() -> str | None:
            return await self._finish(connection, definition, job)

        # What a definition does at the end may take its time.
        is_brief = type(definition).finish is Definition.finish

        async def span(rows: int) -> Ended | Swept | None:
            async with sessions.brief(connection) if is_brief else connection.transaction(isolation="read_committed"):
                return await reconciling.close(
                    connection, target, job, finish, rows=rows, failed_share=share, failed_minimum=minimum
                )

        until = time.monotonic() + SWEEP_SECONDS
        while time.monotonic() < until:
            result = await self._pace.step(span, enough=lambda _: None)
            if result is None:
                return await reconciling.is_to_close(connection, job.id)
            if isinstance(result, Ended):
                self._say(str(result))
                return False
            if result.planned:
                self._say(f"Closing sweep of job {job.id}: {result}; queued.")
                return True
        return True

    async def _finish(self, connection: Connection, definition: Definition, job: Job) -> str | None:
        """What the definition says of its job, as JSON; within the transaction that completes it."""
        if type(definition).finish is Definition.finish:
            return None
        seconds = self._settings.partition_seconds
        try:
            async with connection.transaction():
                finishing = definition.finish(connection, await progress.read(connection, job.id))
                result: object = await guarded(finishing, asyncio.timeout(seconds))
            return _json(definition.name, result)
        except FinishError:
            raise
        except LateError:
            late = f"finish of {definition.name} did not end within {seconds:g} s (BACKFILL_PARTITION_SECONDS)"
            raise FinishError(f"{late}; nothing of it was kept") from None
        except SchemaError as error:
            raise FinishError(str(error)) from error
        except Exception as error:
            if is_transient(error) or isinstance(error, BackfillError):
                raise
            raised = f"finish of {definition.name} raised {texts.in_a_line(error)}"
            raise FinishError(f"{raised}; nothing of it was kept") from error

    async def _pause(self, connection: Connection, job: Job, error: FinishError) -> None:
        try:
            await operations.pause(connection, job.id, actor=WORKER, reason=str(error))
        except ConflictError:  # ended or cancelled meanwhile
            return
        self._say(f"Paused job {job.id}: {error}")


def _json(backfill: str, result: object) -> str:
    if not isinstance(result, Mapping):
        said = "None" if result is None else type(result).__name__
        raise FinishError(f"finish of {backfill} returned {said}: return a mapping, perhaps an empty one")
    try:
        text = to_json(dict(result), inf_nan_mode="strings").decode()
    except (PydanticSerializationError, ValueError) as error:
        raise FinishError(f"finish of {backfill} returned what is no JSON: {texts.in_a_line(error)}") from error
    if len(text) > MOST_OF_A_RESULT or "\\u0000" in text:
        raise FinishError(
            f"finish of {backfill} returned {len(text):,} characters of JSON: at most {MOST_OF_A_RESULT:,}, and none "
            "of them NUL; put what is large into a table"
        )
    return text

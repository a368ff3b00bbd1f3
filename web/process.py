"""Work off up to so many records while a caller waits: in a process that does just that."""

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Any, Final

from backfill import errors
from backfill.errors import BackfillError, UnreachableError
from backfill.settings import Settings
from backfill.texts import one_line

MOST_AT_ONCE: Final = 2
MOST_BYTES: Final = 65_536
SECONDS: Final = 60.0  # of work, for one call
GRACE_SECONDS: Final = 20.0  # for beginning, and for what is in hand when the time is over
PROGRAM: Final = "backfill.web.working"
# By exit code: what the process could not do is told as if it had been tried here.
KINDS: Final = {
    kind.exit_code: kind
    for kind in (errors.UsageError, errors.NotFoundError, errors.ConflictError, errors.UnreachableError)
} | {errors.SchemaError.exit_code: errors.SchemaError, errors.HaltedError.exit_code: errors.HaltedError}


class Processing:
    """Of one server: a bounded number of processes, none of which outlives it for long."""

    def __init__(self, settings: Settings, *, seconds: float = SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._tasks: set[asyncio.Task[dict[str, Any]]] = set()

    async def work(self, limit: int, backfill: str | None) -> dict[str, Any]:
        """What was done of at most so many records, exactly as many as there are to do in time.

        Raises UnreachableError where as many calls are under way as this server takes at once. A caller that has gone
        changes nothing: what was begun is finished, and is in the ledger.
        """
        if len(self._tasks) >= MOST_AT_ONCE:
            raise UnreachableError(f"{MOST_AT_ONCE} calls are being worked off, as many as at once; try again then")
        task = asyncio.create_task(self._work(limit, backfill), name="process")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task})
        return task.result()

    async def close(self) -> None:
        """Let each finish what it has in hand, as a worker that is stopped does."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)

    def _ended(self, task: "asyncio.Task[dict[str, Any]]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    async def _work(self, limit: int, backfill: str | None) -> dict[str, Any]:
        given = {name: value for name, value in self._settings.model_dump(mode="json").items() if value is not None}
        order = {"settings": given, "backfill": backfill, "limit": limit, "seconds": self._seconds}
        # What a definition prints goes where this server's lines go: the answer has a pipe of its own.
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as answer:
            os.set_blocking(reading, False)
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", PROGRAM, stdin=asyncio.subprocess.PIPE, pass_fds=(writing,)
                )
                await self._ended_in_time(process, json.dumps(order | {"answer": writing}).encode())
            finally:
                os.close(writing)
            return _read(answer.read(MOST_BYTES), process.returncode)

    async def _ended_in_time(self, process: asyncio.subprocess.Process, order: bytes) -> None:
        try:
            async with asyncio.timeout(self._seconds + GRACE_SECONDS):
                await process.communicate(order)
        except TimeoutError:
            raise UnreachableError(
                f"a record was still being worked on after {self._seconds:g} s; what was done is in the ledger, and "
                "the rest is taken over when its lease ends"
            ) from None
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to end, then end it."""
    for how in (process.terminate, process.kill):
        if process.returncode is None:
            with suppress(ProcessLookupError):
                how()
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS / 2):
                    await process.wait()


def _read(text: bytes | None, code: int | None) -> dict[str, Any]:
    """What it answered; raises what it could not do."""
    try:
        answer = json.loads(text or b"")
    except ValueError:
        raise UnreachableError(
            f"the process that worked on it ended with exit code {code}; what was done is in the ledger: see the "
            "server's log"
        ) from None
    if "error" in answer:
        kind = KINDS.get(answer["error"]["exit_code"], BackfillError)
        raise kind(one_line(answer["error"]["text"], 2_000))
    found: dict[str, Any] = answer
    return found

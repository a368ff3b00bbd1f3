"""Work off up to so many records while a caller waits: in a process that does just that."""

import asyncio
import json
import os
import sys
from typing import Any, Final, Self

from backfill import errors
from backfill.errors import BackfillError, UnreachableError
from backfill.settings import Settings
from backfill.texts import one_line
from backfill.web.child import end
from backfill.web.ledger import DatabaseAwayError

MOST_AT_ONCE: Final = 2
MOST_BYTES: Final = 1024 * 1024  # the ids of 26,000 jobs
SECONDS: Final = 60.0  # of work, for one call
GRACE_SECONDS: Final = 20.0  # for beginning, and for what is in hand when the time is over
PIPE_BYTES: Final = 65_536
PROGRAM: Final = "backfill.web.working"
# By exit code: what the process could not do is told as if it had been tried here. It asks PostgreSQL, and nobody else.
KINDS: Final = {
    kind.exit_code: kind
    for kind in (
        errors.UsageError,
        errors.NotFoundError,
        errors.ConflictError,
        DatabaseAwayError,
        errors.SchemaError,
        errors.HaltedError,
    )
}


class Processing:
    """Of one server: a bounded number of processes, none of which outlives it for long."""

    def __init__(self, settings: Settings, *, seconds: float = SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._tasks: set[asyncio.Task[dict[str, Any]]] = set()

    async def work(self, limit: int, backfill: str | None, by: str) -> dict[str, Any]:
        """What was done of at most so many records, exactly as many as there are to do in time; for whom is an event.

        Raises UnreachableError where as many calls are under way as this server takes at once. A caller that has gone
        changes nothing: what was begun is finished, and is in the ledger.
        """
        if len(self._tasks) >= MOST_AT_ONCE:
            raise UnreachableError(f"{MOST_AT_ONCE} calls are being worked off, as many as at once; try again then")
        task = asyncio.create_task(self._work(limit, backfill, by), name="process")
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

    async def _work(self, limit: int, backfill: str | None, by: str) -> dict[str, Any]:
        given = {name: value for name, value in self._settings.model_dump(mode="json").items() if value is not None}
        order = {"settings": given, "backfill": backfill, "limit": limit, "seconds": self._seconds, "actor": by}
        # What a definition prints goes where this server's lines go: the answer has a pipe of its own.
        reading, writing = os.pipe()
        with _Answer(reading) as answer:
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", PROGRAM, stdin=asyncio.subprocess.PIPE, pass_fds=(writing,)
                )
                await self._ended_in_time(process, json.dumps(order | {"answer": writing}).encode())
            finally:
                os.close(writing)
            return _read(answer.whole(), process.returncode)

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
            await end(process, GRACE_SECONDS / 2)


class _Answer:
    """What arrives at the end of a pipe, taken as it comes: who writes more than a pipe holds would wait for ever."""

    def __init__(self, reading: int) -> None:
        self._reading = reading
        self._taken = bytearray()
        os.set_blocking(reading, False)

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._reading, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)

    def _take(self) -> bool:
        """Whether there may be more."""
        try:
            found = os.read(self._reading, PIPE_BYTES)
        except BlockingIOError:
            return False
        self._taken += found[: MOST_BYTES - len(self._taken)]  # the rest is let go
        return bool(found)

    def whole(self) -> bytes:
        """All of it, once who wrote has ended; children of its own may still hold the pipe."""
        while self._take():
            pass
        return bytes(self._taken)


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

"""What streams show: read once a second for all that show the same, however many they are.

A client that does not take what it is sent has a few of the newest messages waiting for it, the same bytes as everybody
else's, and no more.
"""

import asyncio
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from backfill import door
from backfill.cancelling import cancel
from backfill.errors import BackfillError, ConflictError, NotFoundError, UnreachableError
from backfill.web.answers import encoded

EVERY_SECONDS: Final = 1.0
SHOWN_SECONDS: Final = 5.0  # what has not changed is said again, so that whoever looks knows that it is fresh
MOST_STREAMS: Final = 1_000
MOST_TOPICS: Final = 100  # each is read once a second
READERS: Final = 3  # at once: requests need connections too
TURN_SECONDS: Final = 5.0
MOST_WAITING: Final = 32

Frame = bytes


@dataclass(frozen=True)
class News:
    """What a reading gives: messages by name, what the newest state is, and whether nothing more will come."""

    state: str
    value: dict[str, Any]
    more: tuple[tuple[str, dict[str, Any]], ...] = ()
    is_last: bool = False


Read = Callable[[], Awaitable[News]]


class FullError(UnreachableError):
    """There are as many streams as the server has room for."""


def frame(event: str, value: dict[str, Any]) -> Frame:
    """A message as server-sent events have it; JSON has no line's end in it."""
    return b"event: " + event.encode() + b"\ndata: " + encoded(value) + b"\n\n"


@dataclass(eq=False)
class Listener:
    """What one client has not been sent yet."""

    waiting: deque[Frame] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False
    _state: Frame | None = None  # the newest that it was given

    def give(self, one: Frame, *, is_state: bool = False) -> None:
        """A state that still waits is no news beside a newer one."""
        if is_state:
            if self._state is not None and self._state in self.waiting:
                self.waiting.remove(self._state)
            self._state = one
        self.waiting.append(one)
        self.arrived.set()

    def end(self) -> None:
        self.is_over = True
        self.arrived.set()


class Topic:
    """One thing that is shown, and all who look at it."""

    def __init__(self, read: Read, turns: asyncio.Semaphore) -> None:
        self._read = read
        self._turns = turns
        self.listeners: set[Listener] = set()
        self._newest: Frame | None = None
        self._shown: dict[str, Any] | None = None
        self._shown_at = float("-inf")

    def join(self, listener: Listener) -> None:
        self.listeners.add(listener)
        if self._newest is not None:
            listener.give(self._newest, is_state=True)

    async def run(self) -> None:
        """Read until nobody looks any more, or there is nothing more to come."""
        while self.listeners:
            began = time.monotonic()
            try:
                news = await self._read_in_turn()
            except NotFoundError as error:
                self._tell(frame("problem", {"status": 404, "detail": str(error), "exit_code": error.exit_code}))
                self._end()
                return
            except BackfillError as error:
                self._shown, self._newest = None, None
                self._tell(
                    frame(
                        "problem",
                        {
                            "status": 503 if error.exit_code == 5 else 424,
                            "detail": str(error),
                            "exit_code": error.exit_code,
                            "service": getattr(error, "service", None),
                        },
                    )
                )
            else:
                self._show(news, began)
                if news.is_last:
                    self._tell(frame("end", {"state": news.value.get("state")}))
                    self._end()
                    return
            await asyncio.sleep(max(0.05, began + EVERY_SECONDS - time.monotonic()))

    async def _read_in_turn(self) -> News:
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise UnreachableError(
                f"the server has not come to reading this for {TURN_SECONDS:g} s; it goes on by itself"
            ) from None
        try:
            return await self._read()
        finally:
            self._turns.release()

    def _show(self, news: News, now: float) -> None:
        for name, value in news.more:
            self._tell(frame(name, value))
        lasting = _lasting(news.value)
        if lasting == self._shown and now - self._shown_at < SHOWN_SECONDS and not news.is_last:
            return
        self._shown, self._shown_at = lasting, now
        self._newest = frame(news.state, news.value)
        self._tell(self._newest, is_state=True)

    def _tell(self, one: Frame, *, is_state: bool = False) -> None:
        for listener in self.listeners:
            listener.give(one, is_state=is_state)

    def _end(self) -> None:
        for listener in self.listeners:
            listener.end()


class Hub:
    """The topics that somebody looks at now."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._turns = asyncio.Semaphore(READERS)
        self._topics: dict[object, Topic] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._count = 0
        self._is_ending = False

    @asynccontextmanager
    async def listening(self, key: object, read: Callable[[], Read]) -> AsyncIterator[Listener]:
        """A listener to the topic, which is begun where nobody else listens; raises FullError."""
        if self._count >= MOST_STREAMS:
            raise FullError(f"{MOST_STREAMS:,} streams are open, as many as this server has room for; try again later")
        if self._is_ending:
            raise ConflictError("the server is stopping")
        listener = Listener()
        topic = self._topics.get(key)
        if topic is None and len(self._topics) >= MOST_TOPICS:
            raise FullError(
                f"{MOST_TOPICS} jobs are looked at by streams, as many as this server has room for; "
                "ask GET /jobs/{job}, or try again later"
            )
        is_new = topic is None
        if topic is None:
            topic = self._topics[key] = Topic(read(), self._turns)
        topic.join(listener)
        if is_new:
            task = self._tasks.create_task(self._run(key, topic))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        self._count += 1
        try:
            yield listener
        finally:
            self._count -= 1
            topic.listeners.discard(listener)

    async def _run(self, key: object, topic: Topic) -> None:
        try:
            await topic.run()
        except Exception as error:  # what nobody has foreseen ends the streams of this topic, not the server
            door.trouble("".join(traceback.format_exception(error)))
        finally:
            if self._topics.get(key) is topic:
                del self._topics[key]
            for listener in topic.listeners:  # who came while it ended asks again
                listener.end()

    def end(self) -> None:
        """Let every stream end now: the server stops."""
        self._is_ending = True
        for topic in self._topics.values():
            for listener in topic.listeners:
                listener.end()

    async def ended(self) -> None:
        """Wait until nothing is read any more."""
        await cancel(self._running)


def _lasting(value: dict[str, Any]) -> dict[str, Any]:
    """Without what is another one each time, and no news."""
    kept = {name: part for name, part in value.items() if name != "read_at"}
    if isinstance(server := kept.get("server"), dict):
        kept["server"] = {name: part for name, part in server.items() if name != "now"}
    return kept

"""What the monitor says of the profiles that a server was given: looked at while somebody asks, few at a time.

A look is a process of its own: it runs what its profile names, may take its time and its memory, and never holds this
server up. It ends with the server.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from backfill.cancelling import cancel
from backfill.errors import NotFoundError, UnreachableError, UsageError
from backfill.monitor import profiles
from backfill.monitor.render.as_json import as_json
from backfill.monitor.report import Eta, Finding, Kind, Level, Report, Seen, State
from backfill.texts import in_a_line, one_line
from backfill.web.look import LEAST_SECONDS, LookError, asked, plain, seconds

EVERY_SECONDS: Final = 30.0
WAIT_SECONDS: Final = 15.0  # of whoever asks; the page gives up after 20
LIST_SECONDS: Final = 3.0  # of whoever asks for all, where there is something to show by then
SLOW_SECONDS: Final = 10.0  # a look that took longer is one of the slow, which wait for each other
AT_ONCE: Final = 3

Ask = Callable[[str, float], Awaitable[dict[str, Any]]]


@dataclass
class Watched:
    """One profile, and the newest report of it."""

    name: str
    title: str
    given: str  # as on the command line
    most: float = LEAST_SECONDS  # that a look may take
    took: float = 0.0  # the newest
    report: dict[str, Any] | None = None
    ended: float = 0.0  # of the look, by the clock that never jumps
    task: "asyncio.Task[None] | None" = None

    @property
    def age_seconds(self) -> float | None:
        return None if self.report is None else round(monotonic() - self.ended, 1)

    @property
    def is_due(self) -> bool:
        """Not while the last look was under way for longer than it is over: it may be a burden on what it looks at."""
        return self.age_seconds is None or self.age_seconds >= max(EVERY_SECONDS, self.took)


@dataclass
class Looks:
    """Those of one server."""

    watched: dict[str, Watched] = field(default_factory=dict)
    ask: Ask = asked
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _slow: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_closed: bool = False

    async def of(self, name: str) -> Watched:
        """The profile with a report no older than can be had in time.

        Raises NotFoundError, UnreachableError where the first look is still under way.
        """
        if (found := self.watched.get(name)) is None:
            known = ", ".join(self.watched) or "none; start the server with --monitor PROFILE"
            raise NotFoundError(f"this server shows no profile {one_line(name, 100)!r}; it has {known}")
        if under_way := self._fresh([found]):
            await asyncio.wait(under_way, timeout=WAIT_SECONDS)
        if found.report is None:
            raise UnreachableError(f"the first look at {found.name} is still under way; ask again in a moment")
        return found

    async def all(self) -> list[Watched]:
        """Every profile, each with its report as far as it can be had in time."""
        found = list(self.watched.values())
        under_way = self._fresh(found)
        end, patience = monotonic() + WAIT_SECONDS, min(LIST_SECONDS, WAIT_SECONDS)
        if under_way:
            _, under_way = await asyncio.wait(under_way, timeout=patience)
        if under_way and not any(one.report for one in found):
            await asyncio.wait(under_way, timeout=end - monotonic(), return_when=asyncio.FIRST_COMPLETED)
        return found

    def end(self) -> None:
        """Let nobody wait any more: the server stops."""
        self._is_closed = True
        for task in self._under_way():
            task.cancel()

    async def close(self) -> None:
        """End what is under way."""
        self._is_closed = True
        await cancel(self._under_way())

    def _under_way(self) -> "set[asyncio.Task[None]]":
        return {one.task for one in self.watched.values() if one.task is not None}

    def _fresh(self, wanted: Sequence[Watched]) -> "set[asyncio.Task[None]]":
        """Begin the looks that are due, and give those that are under way."""
        for one in wanted:
            if one.is_due and one.task is None and not self._is_closed:
                one.task = asyncio.create_task(self._look(one), name="a look of the monitor")
        return {one.task for one in wanted if one.task is not None}

    async def _look(self, one: Watched) -> None:
        try:
            # One that hangs is a burden to its like alone: those that are quick find room beside it.
            async with self._slow if one.took > SLOW_SECONDS else nullcontext(), self._room:
                began = monotonic()
                try:
                    one.report = await self.ask(one.given, one.most)
                except Exception as error:  # whatever it is, the server goes on, and says so where the report would be
                    why = str(error) if isinstance(error, LookError) else in_a_line(error)
                    one.report = plain(as_json(failed(one, why)))
                one.ended = monotonic()
                one.took = one.ended - began
        finally:
            one.task = None


def given(names: Sequence[str]) -> Looks:
    """Looks at these profiles, each a file or a name.

    Raises NotFoundError and UsageError as reading one does, UsageError where two have one name.
    """
    looks = Looks()
    for one in names:
        found = profiles.read(one)
        name = found.name or one
        if name in looks.watched:
            raise UsageError(f"two profiles are named {name!r}; give one of the files another name")
        looks.watched[name] = Watched(name, found.title, one, seconds(found))
    return looks


def failed(one: Watched, why: str) -> Report:
    """The report where there is none."""
    problem = f"the profile could not be looked at: {why}"
    return Report(
        title=one.title,
        profile=one.name,
        kind=Kind.DATABASE,
        state=State.UNKNOWN,
        level=Level.UNKNOWN,
        headline=problem,
        at=datetime.now(UTC),
        since=None,
        findings=[Finding("source_failed", Level.UNKNOWN, problem)],
        stats=[],
        workers=[],
        slowest=None,
        errors=[],
        quality=[],
        eta=Eta(None, None, None, None, None, "not known: nothing could be read"),
        minutes=[],
        groups=[],
        sources=[Seen(one.name, "profile", "not read", [why])],
        next=[f"see for yourself with: backfill monitor --profile {one.given}"],
    )

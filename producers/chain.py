"""What a job requires comes first: it is refused, waited for, or opened."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar
from uuid import UUID

from backfill import parameters
from backfill.definition import Definition
from backfill.errors import ConflictError, UsageError
from backfill.ledger import requirements
from backfill.ledger.jobs import Request
from backfill.modes import Priority
from backfill.producers import waiting
from backfill.producers.parts import Connection, Report
from backfill.producers.requirements import RequiredError
from backfill.required import Unmet
from backfill.settings import Settings
from backfill.states import JobState

T = TypeVar("T")
Met: TypeAlias = Collection[str]  # names that count as completed, as they have nothing to do
# Opens a job of another backfill, perhaps to its end; False when there is nothing to do.
Opening: TypeAlias = Callable[[Definition, Request, Met], Awaitable[bool]]


@dataclass(frozen=True)
class Chain:
    """How one command goes about it."""

    settings: Settings
    report: Report
    app: Mapping[str, Definition]
    unmet: Unmet
    opening: Opening

    async def first(self, work: Callable[[Met], Awaitable[T]]) -> T:
        """Do the work, which raises RequiredError before it opens a job; then what it requires, and it again."""
        met: set[str] = set()
        opened: set[str] = set()
        while True:
            try:
                return await work(met)
            except RequiredError as error:
                if self.unmet is Unmet.REFUSE:
                    raise
                if self.unmet is Unmet.OPEN:
                    await self._open(error, met, opened)
                await self._until_completed(error, met)

    async def _open(self, error: RequiredError, met: set[str], opened: set[str]) -> None:
        for lack in error.lacks:
            name = lack.required.name
            if lack.standing.active is not None:
                continue
            if name in opened:  # completed since, and too long ago already, or failed
                raise error
            opened.add(name)
            definition = self._openable(name, error)
            self.report.say(f"{error.backfill} requires {name}: opening it first.")
            if not await self.first(partial(self.opening, definition, _default(definition))):
                met.add(name)

    def _openable(self, name: str, error: RequiredError) -> Definition:
        if name not in self.app:
            raise ConflictError(
                f"{error.backfill} requires {name}, which the app does not have and --open-required cannot open; open "
                f"it with the app that has it; this one has: {', '.join(self.app)}"
            )
        try:
            return parameters.given(self.app[name], ())
        except UsageError as needed:
            raise ConflictError(
                f"{error.backfill} requires {name}, which --open-required cannot open ({needed}); do it by hand with "
                f"its parameters: {error.command} {name} -P …"
            ) from None

    async def _until_completed(self, error: RequiredError, met: Met) -> None:
        """Wait for all of it; raises RequiredError when a job of one that was not there before fails."""
        lacks = [lack for lack in error.lacks if lack.required.name not in met]
        before: dict[str, UUID | None] = {lack.required.name: lack.standing.job for lack in lacks}
        told: dict[str, str] = {}

        async def look(connection: Connection) -> bool | None:
            is_left = False
            for one in (lack.required for lack in lacks):
                now = await requirements.standing(connection, one.name)
                lack = requirements.lack(one, now)
                if lack is None:
                    continue
                has_failed = now.active is None and now.state not in (None, JobState.COMPLETED)
                if has_failed and now.job != before[one.name]:
                    raise RequiredError(error.backfill, [lack], error.command)
                is_left = True
                # How long ago it was changes all the time.
                if (now.active is not None or one.name not in told) and told.get(one.name) != str(lack):
                    told[one.name] = str(lack)
                    self.report.note(f"{error.backfill} waits: {lack}")
            return None if is_left else True

        try:
            await waiting.until(self.settings, self.report, look)
        except asyncio.CancelledError:
            said = ", ".join(told.values()) or "waiting"
            self.report.note(f"interrupted; no job of {error.backfill} was opened ({said})")
            raise


def _default(definition: Definition) -> Request:
    return Request(definition.mode, Priority.NORMAL, "asc", definition.batch_size, None, (), None, None)

"""Look once or again and again, remember it, and show each report in the shape that was asked for."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from backfill import door, drawing, log
from backfill.commands import monitor_page
from backfill.console import is_terminal, note, print_json
from backfill.monitor import memory as memories
from backfill.monitor.around import around
from backfill.monitor.databases import OWN
from backfill.monitor.look import look
from backfill.monitor.memory import Memory
from backfill.monitor.profile import SECTIONS, Profile
from backfill.monitor.render import nagios
from backfill.monitor.report import Report, State
from backfill.monitor.surroundings import Surroundings

STDOUT: Final = Path("-")


@dataclass(slots=True)
class Shown:
    """How reports are shown, and the exit code that the last one asks for."""

    check: bool
    markdown: bool
    html: Path | None
    as_json: bool
    exit_code: int = 0
    screen: "drawing.Screen | None" = field(default=None, init=False)
    count: int = field(default=0, init=False)

    def show(self, report: Report, is_watched: bool) -> None:
        """One report, on a screen that is drawn anew or below the last one."""
        self.count += 1
        if self.check:
            door.line(nagios.line(report))
            self.exit_code = nagios.exit_code(report)
        elif self.as_json:
            self._print_json(report, is_watched)
        elif self.html is not None:
            self._write(self.html, report)
        elif is_terminal() and not self.markdown:
            self._draw(report, is_watched)
        else:
            from backfill.monitor.render import markdown

            if self.count > 1:
                door.lines("\n---\n")
            door.lines(markdown.markdown(report))

    def end(self) -> None:
        """What is printed next gets lines of its own."""
        if self.screen is not None:
            self.screen.__exit__()
            self.screen = None

    def _print_json(self, report: Report, is_watched: bool) -> None:
        from backfill.monitor.render.as_json import as_json

        if is_watched:
            door.exact(log.as_json({"schema_version": 1, **as_json(report)}) + "\n")
        else:
            print_json(as_json(report))

    def _draw(self, report: Report, is_watched: bool) -> None:
        from backfill.monitor.render.screen import screen

        if not is_watched:
            drawing.show(screen(report))
            return
        if self.screen is None:
            self.screen = drawing.Screen().__enter__()
        self.screen.draw(screen(report))

    def _write(self, file: Path, report: Report) -> None:
        from backfill.monitor.render.html import page

        if file == STDOUT:
            door.exact(page(report))
            return
        monitor_page.write(file, page(report))
        if self.count == 1:
            note(f"wrote {file}")


async def looks(profile: Profile, where: Surroundings, *, watch: float | None, gap: float, shown: Shown) -> None:
    """Look and show until two looks on end have found the backfill finished, or once."""
    is_found = not profile.sources
    told: set[str] = set()
    was_finished = False
    if watch is not None:  # the first look is not to be long, and what comes through a pipe is to be shown as it comes
        where = replace(where, read_seconds=min(where.read_seconds, watch))
    try:
        memory: Memory | None = None
        while True:
            seen = await _seen(profile, where) if is_found else profile
            # Where nobody has named any, processes come and go while it is one matter that is looked at.
            same = seen.model_copy(update={"process": []}) if is_found else seen
            file = memories.place(same, where.folder, where.environ) if _is_remembered(seen, where) else None
            if memory is None:
                memory = memories.read(file) if file else Memory()
                if file is None and _is_remembered(seen, where):
                    memory.notes.append(memories.HOMELESS)
            if is_found:
                seen = memory.with_found(seen)
            report, memory = await look(seen, where, memory, 0.0 if watch else gap)
            if file and (why := memories.write(file, memory)):
                memory.notes.append(why)
            # A check is one line, and what shows both streams would take another for the state.
            notes = memory.notes if seen.sources else [*memory.notes, _nowhere(where)]
            for text in [one for one in notes if one not in told and not shown.check]:
                note(f"warning: {text}")
                told.add(text)
            shown.show(report, watch is not None)
            # Once may be between two pages, or two jobs.
            is_over, was_finished = was_finished and report.state is State.FINISHED, report.state is State.FINISHED
            if watch is None or memory.has_ended or is_over:
                return
            await asyncio.sleep(watch)
    finally:
        shown.end()


def _nowhere(where: Surroundings) -> str:
    """Where nothing was found: somebody may stand in another folder than they think."""
    ledger = f"{OWN} leads to no ledger with a job of a day" if where.environ.get(OWN) else f"{OWN} is not set"
    return f"no log of the last day in {where.folder}, nor in its tmp, logs or log; {ledger}"


def _is_remembered(profile: Profile, where: Surroundings) -> bool:
    """What came through a pipe, or was counted from some time on, says nothing of the next look."""
    return where.since is None and not any(one.is_piped for one in profile.log)


async def _seen(profile: Profile, where: Surroundings) -> Profile:
    """What is there, under the words that were given."""
    given = {name: getattr(profile, name) for name in profile.model_fields_set - {*SECTIONS}}
    found = await around(where)
    return found.model_copy(update=given)

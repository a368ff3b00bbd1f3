"""What could not be looked at, or not be trusted, and how things stand around it."""

from collections.abc import Iterator

from backfill.monitor.amounts import foreign, span
from backfill.monitor.judging.case import Case, absent, described
from backfill.monitor.moves import AHEAD
from backfill.monitor.readings import Reading
from backfill.monitor.report import Finding, Level, State
from backfill.texts import counted, one_line

MOST_NAMED = 10


def findings(case: Case, state: State) -> list[Finding]:
    """Of processes, targets, sources and the profile."""
    found = [*_processes(case, state), *_targets(case, state), *_failed(case), *_told(case)]
    if case.profile.mistakes:
        text = f"the profile has {counted(len(case.profile.mistakes), 'mistake')}; the rest of it is used"
        mistakes = [one_line(one) for one in case.profile.mistakes]
        found.append(Finding("profile_mistake", Level.WARNING, text, mistakes, "correct the profile"))
    return found


def _processes(case: Case, state: State) -> Iterator[Finding]:
    for one in case.sought:
        if not one.found and state not in (State.FINISHED, State.DEAD):
            text, step = absent(one), "see whether it has ended, or the profile names another one"
            if case.is_heard and not case.alive:
                text, step = f"{text}, but it goes on", "see whether the name is right, and where it runs"
            yield Finding("process_gone", Level.CRITICAL, text, case.notes_on(one), step)
        elif len(one.found) > 1 and not one.is_every_one_meant:
            text = f"{len(one.found):,} processes match {foreign(one.sought, 100)}, which of them is meant is not known"
            listed = [described(process, case.now) for process in one.found[:MOST_NAMED]]
            step = f"name one: --process {one.found[0].pid}; or all of them, with all = true in the profile"
            yield Finding("process_ambiguous", Level.WARNING, text, listed, step)
        elif state is not State.STUCK and any(process.is_stopped for process in one.found):
            stopped = [described(process, case.now) for process in one.found if process.is_stopped]
            many = counted(len(stopped), "process is", "processes are")
            text = f"{many} stopped by a signal, or {'a zombie' if len(stopped) == 1 else 'zombies'}"
            pid = next(process.pid for process in one.found if process.is_stopped)
            step = f"let it go on: kill -CONT {pid}"
            yield Finding("worker_stalled", Level.WARNING, text, stopped[:MOST_NAMED], step)


def _targets(case: Case, state: State) -> Iterator[Finding]:
    for one in case.readings:
        if one.target is not None and one.target.milliseconds is None:
            level = Level.WARNING if state is State.FINISHED else Level.CRITICAL
            text = f"{foreign(one.target.address, 200)} cannot be reached"
            why = [one_line(one.target.why_not)] if one.target.why_not else []
            step = "see whether it runs, and whether a firewall or a name stands between"
            yield Finding("target_unreachable", level, text, why, step)


def _failed(case: Case) -> Iterator[Finding]:
    failed = [one for one in case.readings if one.problems]
    if failed:
        names = ", ".join(foreign(one.source, 100) for one in failed[:MOST_NAMED])
        text = f"{counted(len(failed), 'source')} could not be read whole: {names}"
        problems = [f"{foreign(one.source, 100)}: {one_line(what.text)}" for one in failed for what in one.problems]
        yield Finding("source_failed", Level.WARNING, text, problems[:MOST_NAMED], _mended(failed[0]))


def _mended(reading: Reading) -> str:
    """What its problem says is to be done: that stands behind the last semicolon."""
    what, _, step = one_line(reading.problems[0].text).rpartition("; ")
    return f"{foreign(reading.source, 100)}: {step}" if what else "do what its problem asks for"


def _told(case: Case) -> Iterator[Finding]:
    jumps = [one_line(text) for one in case.readings for text in one.clock_jumps]
    if jumps:
        text = f"the clock of a log jumped, {counted(len(jumps), 'time')}; rates are of what came after"
        yield Finding("clock_jumped", Level.OK, text, jumps[:MOST_NAMED])
    ahead = [one for one in case.readings if one.newest_at is not None and one.newest_at > case.now + AHEAD]
    if ahead:
        names = ", ".join(foreign(one.source, 100) for one in ahead[:MOST_NAMED])
        by = span(max(one.newest_at or 0.0 for one in ahead) - case.now)
        text = f"the newest line of {names} is {by} ahead of this machine's clock: nothing can be told by its times"
        yield Finding("clock_jumped", Level.WARNING, text, [], "set timezone in the profile to that of its lines")
    rotated = [
        f"{foreign(one.source, 100)}: {one_line(note)}"
        for one in case.readings
        for note in one.notes
        if note.casefold().startswith("rotated")
    ]
    if rotated:
        yield Finding("rotated", Level.OK, "a log was rotated; what was read of the old one counts", rotated)

"""Readings as sources tell them, for tests of what is made of them; one look at a fixed moment."""

from collections.abc import Sequence
from typing import Any

from backfill.monitor.memory import Look
from backfill.monitor.pace import Pace, measured
from backfill.monitor.profile import Profile, made
from backfill.monitor.readings import (
    Happened,
    Job,
    Line,
    Measure,
    Point,
    Problem,
    Process,
    Processes,
    Reading,
    Value,
    Worker,
)
from backfill.monitor.report import Finding, Report
from backfill.monitor.verdicts import judged

NOW = 1_795_708_800.0  # 2026-11-26 16:00:00 UTC


def profile(**found: Any) -> Profile:
    return made(found, "test")


def worker(name: object, percent: float | None, rate: float = 0.0, *, quiet: float = 0.0, **more: Any) -> Worker:
    """One that has told of its way every 30 s for ten minutes, until `quiet` seconds ago; rate in % a minute."""
    points = []
    if percent is not None:
        points = [Point(NOW - quiet - 30 * step, max(percent - rate * step / 2, 0.0)) for step in reversed(range(20))]
    is_finished = percent == 100.0
    return Worker(
        str(name), "log load.log", percent, last_at=NOW - quiet, points=points, is_finished=is_finished, **more
    )


def log(workers: Sequence[Worker] = (), *, quiet: float = 2.0, **more: Any) -> Reading:
    found = Reading("log load.log", "log", NOW, seen="1.0 MB of 1.0 MB", workers=list(workers), newest_at=NOW - quiet)
    for name, value in more.items():
        setattr(found, name, value)
    return found


def sql(minutes: dict[int, int] | None = None, **measures: Value) -> Reading:
    named = {Measure(name): value for name, value in measures.items()}
    return Reading("sql DATABASE_URL", "sql", NOW, seen="1 query", measures=named, minutes=minutes or {})


def process(*pids: int, sought: str = "load.js", is_all: bool = False, **more: Any) -> Reading:
    found = [Process(pid, "node load.js", NOW - 7200, 80.0, 1 << 28, 12, "/data", 1 << 36, **more) for pid in pids]
    return Reading(f"process {sought}", "process", NOW, seen=sought, processes=Processes(sought, found, is_all))


def happened(total: int, *, ago: float = 300.0, text: str = "line", over: int = 10) -> Happened:
    """So many, spread over the last minutes before `ago` seconds."""
    last = int((NOW - ago) // 60)
    minutes: dict[int, int] = {}
    for number in range(total):
        minutes[last - number % over] = minutes.get(last - number % over, 0) + 1
    return Happened(total, minutes, [Line("load.log:7", text, NOW - ago)], NOW - ago)


def job(state: str = "running", **more: Any) -> Reading:
    fields: dict[str, Any] = {
        "id": "0f6e1b9c-0000-4000-8000-000000000001",
        "backfill": "killmails",
        "mode": "null",
        "state": state,
        "is_planned": True,
        "done": 612_000,
        "matched": 1_000_000,
        "updated": 611_990,
        "failed": 0,
        "rate_per_second": 5_000.0,
        "seconds_left": 77.6,
        "least_seconds_left": 70.0,
        "most_seconds_left": 95.0,
        "started_at": NOW - 120,
        "completed_at": None,
        "reason": None,
        "live_workers": 2,
        **more,
    }
    found = Job(**fields)
    measures: dict[Measure, Value] = {Measure.ROWS: found.done, Measure.ROWS_TOTAL: found.matched}
    return Reading("job latest", "job", NOW, seen="the ledger", measures=measures, job=found)


def failing(source: str = "sql DATABASE_URL", text: str = "the database is down; start it") -> Reading:
    return Reading(source, source.split()[0], NOW, problems=[Problem(source, text)])


def looks(measure: Measure, *values: tuple[float, float]) -> list[Look]:
    """What was measured so many seconds ago."""
    return [Look(NOW - ago, {measure: value}) for ago, value in values]


def pace(readings: Sequence[Reading], before: Sequence[Look] = (), **found: Any) -> Pace:
    return measured(profile(**found), readings, before, NOW)


def report(readings: Sequence[Reading], before: Sequence[Look] = (), **found: Any) -> Report:
    asked = profile(**found)
    return judged(asked, readings, measured(asked, readings, before, NOW), NOW)


def finding(report: Report, name: str) -> Finding:
    return next(one for one in report.findings if one.name == name)


def names(report: Report) -> list[str]:
    return [one.name for one in report.findings]


SLOWLY = [worker(number, 60.0 + number, 0.5) for number in range(4)]
STILL = [worker(number, 60.0 + number, 0.5, quiet=1_300) for number in range(4)]

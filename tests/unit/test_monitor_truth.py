"""Whatever was read, the report is true in itself: no exception, no NaN, a level that fits, no end before now."""

import math
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backfill.monitor.memory import Look
from backfill.monitor.pace import measured
from backfill.monitor.profile import Profile
from backfill.monitor.readings import (
    Happened,
    Line,
    Measure,
    Point,
    Problem,
    Process,
    Processes,
    Reading,
    Target,
    Worker,
)
from backfill.monitor.report import Kind, Level, State
from backfill.monitor.verdicts import BADNESS, NAMES, judged
from tests.support.looking_on import NOW, job

TEXT = st.text(max_size=20)
TIMES = st.one_of(
    st.floats(NOW - 7_200, NOW + 600), st.floats(-1e12, 1e18), st.just(0.0), st.sampled_from([math.nan, math.inf])
)
NUMBERS = st.one_of(
    st.integers(0, 10**7), st.integers(-(10**40), 10**40), st.floats(), TEXT, st.datetimes(timezones=st.just(UTC))
)
MINUTES = st.dictionaries(st.integers(int(NOW // 60) - 70, int(NOW // 60) + 5), st.integers(-3, 10**6), max_size=20)
WORKERS = st.builds(
    Worker,
    name=st.one_of(st.integers(0, 30).map(str), TEXT),
    source=st.sampled_from(["log a", "log b"]),
    percent=st.one_of(st.none(), st.floats(0, 100), st.floats()),
    position=st.one_of(st.none(), st.integers(-5, 10**30)),
    unit=st.sampled_from(["", "block", "page"]),
    last_at=st.one_of(st.none(), TIMES),
    points=st.lists(st.builds(Point, TIMES, st.one_of(st.floats(0, 100), st.floats())), max_size=8),
    restarts=st.integers(0, 3),
    backwards=st.integers(0, 3),
    is_finished=st.booleans(),
)
LINES = st.builds(Line, place=TEXT, text=TEXT, at=st.one_of(st.none(), TIMES))
HAPPENED = st.builds(
    Happened,
    total=st.integers(0, 300),
    minutes=MINUTES,
    examples=st.lists(LINES, max_size=2),
    last_at=st.one_of(st.none(), TIMES),
)
PROCESSES = st.builds(
    Process,
    pid=st.integers(1, 9),
    command=TEXT,
    started_at=TIMES,
    cpu_percent=st.one_of(st.none(), st.floats(0, 800)),
    memory_bytes=st.one_of(st.none(), st.integers(0, 1 << 50)),
    open_files=st.one_of(st.none(), st.integers(0, 9)),
    folder=st.none(),
    free_bytes=st.one_of(st.none(), st.integers(0, 1 << 50)),
    is_stopped=st.booleans(),
    disk_bytes=st.one_of(st.none(), st.integers(0, 1 << 50)),
)
JOB_STATES = ("pending", "running", "paused", "resuming", "completed", "failed", "cancelled", "another")
JOBS = st.builds(
    lambda state, done, matched, rate, left, kinds: job(
        state, done=done, matched=matched, rate_per_second=rate, seconds_left=left,
        attention=[(kind, "text", "next") for kind in kinds],
    ).job,
    st.sampled_from(JOB_STATES),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.one_of(st.none(), st.floats(0, 1e9)),
    st.one_of(st.none(), st.floats()),
    st.lists(st.sampled_from(["stuck", "no_worker", "records_failed"]), max_size=2),
)  # fmt: skip
READINGS = st.builds(
    Reading,
    source=st.sampled_from(["log a", "sql B", "command c", "process d"]),
    kind=st.sampled_from(["log", "sql", "command", "process", "target", "job"]),
    at=st.just(NOW),
    seen=TEXT,
    is_whole=st.booleans(),
    problems=st.lists(st.builds(Problem, TEXT, TEXT), max_size=2),
    notes=st.lists(TEXT, max_size=2),
    measures=st.dictionaries(st.sampled_from(Measure), NUMBERS, max_size=4),
    minutes=MINUTES,
    groups=st.dictionaries(TEXT, st.integers(0, 9), max_size=3),
    workers=st.lists(WORKERS, max_size=4),
    happened=st.dictionaries(
        st.sampled_from(["http_503", "rate_limit", "gave_up", "recovered", "fatal", "disk_full", "finished", "own"]),
        HAPPENED,
        max_size=4,
    ),
    newest_at=st.one_of(st.none(), TIMES),
    written_at=st.one_of(st.none(), TIMES),
    last_fatal_is_newest=st.booleans(),
    clock_jumps=st.lists(TEXT, max_size=1),
    processes=st.one_of(
        st.none(), st.builds(Processes, TEXT, st.lists(PROCESSES, max_size=3), is_every_one_meant=st.booleans())
    ),
    target=st.one_of(st.none(), st.builds(Target, TEXT, st.one_of(st.none(), st.floats(0, 9)), st.none() | TEXT)),
    job=st.one_of(st.none(), JOBS),
)
LOOKS = st.lists(
    st.builds(
        Look, st.floats(NOW - 7_200, NOW + 60), st.dictionaries(st.sampled_from(Measure), st.floats(0, 1e9), max_size=3)
    ),
    max_size=5,
).map(lambda some: sorted(some, key=lambda one: one.at))
PROFILES = st.builds(
    Profile,
    kind=st.one_of(st.none(), st.sampled_from(Kind)),
    unit=st.sampled_from(["rows", "pages", "files", "percent", ""]),
    total=st.one_of(st.none(), st.integers(1, 10**9)),
    workers=st.one_of(st.none(), st.integers(1, 30)),
)


# Not made smaller: that takes minutes with objects as large as these.
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=WITHOUT_SHRINKING)
@given(PROFILES, st.lists(READINGS, max_size=4), LOOKS, st.one_of(st.none(), st.floats(NOW - 7_200, NOW)))
def test_whatever_was_read_the_report_is_true_in_itself(
    profile: Profile, readings: list[Reading], before: list[Look], since: float | None
) -> None:
    found = judged(profile, readings, measured(profile, readings, before, NOW), NOW, since)
    assert found.level is max((one.level for one in found.findings), key=BADNESS.index)
    assert found.findings[0].name == found.state.value
    assert found.headline.startswith(f"{found.state.value}: ")
    assert {one.name for one in found.findings} <= set(NAMES)
    for moment in (found.eta.by_slowest_at, found.eta.by_overall_at, found.eta.earliest_at, found.eta.latest_at):
        assert moment is None or moment >= datetime.fromtimestamp(NOW, UTC)
    if found.state in (State.FINISHED, State.STUCK, State.DEAD, State.PAUSED):
        assert found.eta.by_overall_at is None
    if any(one.problems for one in readings):
        assert BADNESS.index(found.level) >= BADNESS.index(Level.WARNING)
    assert found.next == list(dict.fromkeys(found.next))
    for value in _plain(asdict(found)):
        assert not isinstance(value, float) or math.isfinite(value), found
        assert not isinstance(value, str) or "\x1b" not in value or value == found.profile


def _plain(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for key, inner in value.items() for one in (key, *_plain(inner))]
    if isinstance(value, list):
        return [one for inner in value for one in _plain(inner)]
    return [value.value] if isinstance(value, Enum) else [value]

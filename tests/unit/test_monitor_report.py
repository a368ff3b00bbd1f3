"""The report as a whole: true in itself whatever was read, shaped by its kind, and short however much there is."""

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
from tests.support.looking_on import NOW, happened, job, log, looks, process, report, sql, worker

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


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), phases=WITHOUT_SHRINKING)
@given(PROFILES, st.lists(READINGS, max_size=4), LOOKS)
def test_whatever_was_read_the_report_is_true_in_itself(
    profile: Profile, readings: list[Reading], before: list[Look]
) -> None:
    found = judged(profile, readings, measured(profile, readings, before, NOW), NOW)
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


def test_a_database_shows_its_range_its_newest_and_its_throughput() -> None:
    found = report(
        [sql(rows=3_000_000, range_start=1, range_end=18_000_000, newest=NOW - 90)], looks(Measure.ROWS, (600, 0))
    )
    texts = {one.name: one.text for one in found.stats}
    assert found.kind is Kind.DATABASE
    assert texts["rows"] == "3,000,000 rows"
    assert (texts["range_start"], texts["range_end"]) == ("1", "18,000,000")
    assert texts["newest"] == "2026-11-26 15:58:30 UTC, 1 min 30 s old"
    assert texts["rate_per_minute"] == "300,000 rows a minute, between looks over 10 min 00 s"


def test_files_show_their_size_first_and_their_errors() -> None:
    found = report([sql(bytes=5 << 30, files=120, files_total=480, read_errors=0, validation_errors=2)])
    texts = {one.name: one.text for one in found.stats}
    assert found.kind is Kind.FILES
    assert (texts["bytes"], texts["files"]) == ("5.0 GB", "120 of 480 files, 25.0 %")
    assert (texts["read_errors"], texts["validation_errors"]) == ("0", "2")


def test_an_api_shows_calls_of_the_estimate_requests_and_limit_hits() -> None:
    limited = log(happened={"rate_limit": happened(7), "recovered": happened(7)})
    found = report([sql(calls=600, calls_total=1_000), limited], looks(Measure.CALLS, (600, 0)))
    texts = {one.name: one.text for one in found.stats}
    assert found.kind is Kind.API
    assert texts["calls"] == "600 of 1,000 calls, 60.0 %"
    assert texts["requests_per_second"] == "1 a second"
    assert texts["limit_hits"] == "7, all recovered"


def test_a_log_of_rate_limits_is_that_of_an_api() -> None:
    assert report([log(happened={"rate_limit": happened(1)})]).kind is Kind.API
    assert report([log()]).kind is Kind.DATABASE
    assert report([log()], kind="files").kind is Kind.FILES


def test_workers_are_told_in_groups() -> None:
    eight = [worker(number, 100.0) for number in range(8)]
    rest = [worker(8 + number, 61.2 + 3.25 * number, 0.4) for number in range(8)]
    found = report([log([*eight, *rest])])
    assert [one.text for one in found.workers] == ["0-7 finished", "8-15 at 61.2 to 84.0 %"]
    assert found.slowest == "worker 8: 61.2 %, 0.4 % a minute"


def test_who_is_far_behind_has_a_group_of_his_own() -> None:
    found = report([log([worker("a", 80.0, 1.0), worker("b", 82.0, 1.0), worker("c", 20.0, 1.0)])])
    assert [one.text for one in found.workers] == ["a, b at 80.0 to 82.0 %", "c at 20.0 %"]


def test_ten_thousand_workers_are_a_few_lines() -> None:
    found = report([log([worker(number, (number * 37) % 9_973 / 99.8, 0.1) for number in range(10_000)])])
    assert len(found.workers) <= 8
    assert all(len(one.text) < 300 for one in found.workers)
    assert all(len(one.text) < 400 for one in found.findings)


def test_workers_of_two_logs_with_the_same_names_are_told_apart() -> None:
    other = worker(0, 50.0, 1.0)
    other.source = "log b.log"
    found = report([log([worker(0, 20.0, 1.0), other])])
    assert [one.names for one in found.workers] == [["0 of log b.log"], ["0 of log load.log"]]


def test_errors_have_their_targets_and_the_users_own_patterns_come_last() -> None:
    seen = {"http_503": happened(60), "lost_block": happened(2, text="lost block 7")}
    found = report([log([worker(0, 5.0, 0.1)], happened=seen)])
    assert [(one.name, one.total, one.target, one.is_within) for one in found.errors] == [
        ("http_503", 60, "< 50 an hour", False),
        ("gave_up", 0, "0", True),
        ("fatal", 0, "0", True),
        ("lost_block", 2, None, True),
    ]
    assert found.errors[-1].examples == [{"place": "load.log:7", "text": "lost block 7"}]


def test_the_last_hour_is_that_of_the_log_not_of_who_reads_it() -> None:
    seen = {"http_503": happened(120, ago=7_300)}
    found = report([log([worker(0, 100.0, quiet=7_200)], quiet=7_200, happened=seen)])
    assert found.errors[0].last_hour == 120


def test_texts_of_others_are_one_line_each() -> None:
    hostile = "\x1b[31mred\nline"
    found = report([log([worker(hostile, 5.0, 0.1)], notes=[hostile], happened={"fatal": happened(1, text=hostile)})])
    assert "\x1b" not in str(found)
    assert "\\x1b[31mred\\nline" in found.errors[-1].examples[0]["text"]


def test_the_most_urgent_step_is_first_and_none_is_told_twice() -> None:
    found = report(
        [log([worker(0, 5.0, 0.1)], happened={"http_503": happened(200), "gave_up": happened(1)}), process(1, 2)]
    )
    assert found.next[0].startswith("stop it, and start it again slower")
    assert len(found.next) == len(set(found.next)) == 2


def test_workers_of_ours_are_listed_with_who_is_slowest() -> None:
    found = job()
    found.workers = [
        Worker("db2:17", "job latest"),
        Worker("db1:4", "job latest", holds="0000000123", held_seconds=4.2, is_slowest=True),
    ]
    told = report([found])
    assert [one.text for one in told.workers] == ["2 live: db1:4, db2:17"]
    assert told.slowest == "worker db1:4 holds partition 0000000123 for 4.2 s"

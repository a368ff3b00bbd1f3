"""What a report says of names of others, of what was not looked at, and of what was not read."""

import pytest

from backfill.monitor.pace import measured
from backfill.monitor.readings import Measure, Point, Worker
from backfill.monitor.report import Level, State
from backfill.monitor.verdicts import judged
from backfill.texts import parted
from tests.support.looking_on import (
    NOW,
    failing,
    finding,
    happened,
    job,
    log,
    looks,
    names,
    pace,
    profile,
    report,
    sql,
    worker,
)

COMMAND = "3: backfill cancel --all --yes #"


def pages(name: str, position: int, rate: float, quiet: float = 0.0) -> Worker:
    points = [Point(NOW - quiet - 60 * back, max(position - rate * back, 0)) for back in reversed(range(20))]
    return Worker(name, "log sync.log", position=position, unit="page", points=points)


def test_no_name_of_others_becomes_a_command_of_ours() -> None:
    still = worker(COMMAND, 5.0, 0.5, quiet=900)
    ours = job("paused", backfill=COMMAND, reason=COMMAND)
    ours.workers = [Worker(COMMAND, "job latest", in_hand="partition 1 for 4.0 s")]
    for found in (report([log([still, worker(1, 50.0, 0.5)])]), report([ours])):
        steps = [*found.next, *(one.next or "" for one in found.findings), found.slowest or "", found.headline]
        assert not [one for one in steps if "cancel" in parted(one)[1]]
        assert "3:backfill cancel" in str(found)


def test_what_lies_before_since_is_not_called_stuck() -> None:
    read = [log([worker(0, 60.0, 0.5, quiet=7_200)], quiet=7_200)]
    asked = profile()
    found = judged(asked, read, measured(asked, read, [], NOW), NOW, NOW - 3_600)
    assert (found.state, found.level) == (State.UNKNOWN, Level.UNKNOWN)
    assert "nothing since 15:00:00 UTC" in found.headline
    assert judged(asked, read, measured(asked, read, [], NOW), NOW, NOW - 9_000).state is State.STUCK


def test_what_all_recovered_is_judged_by_is_said() -> None:
    moved = [worker(0, 60.0, 0.5)]
    found = report([log(moved, happened={"http_503": happened(40, ago=120), "recovered": happened(1, ago=120)})])
    assert finding(found, "well_tuned").evidence[0] == ("40 503s in all; it moved on 2 min 00 s after the last of them")


def test_pages_of_a_worker_that_stands_still_are_no_rate_and_its_silence_counts() -> None:
    still = pace([log([pages("0", 200, 10), pages("1", 300, 100, quiet=1_800)])], total=10_000)
    assert still.rate is not None
    assert still.rate.a_minute == pytest.approx(10)
    late = pace([log([pages("0", 200, 10, quiet=420)], quiet=420)], total=250, unit="pages")
    assert late.eta.text.startswith("overdue")


def test_the_first_problem_is_told_where_nothing_could_be_read() -> None:
    assert report([failing()]).headline == (
        "unknown: none of its sources could be read: the database is down; start it"
    )


def test_a_total_that_rises_with_what_is_done_is_no_end() -> None:
    before = looks(Measure.ROWS, (60, 990))
    before[0].measures[Measure.ROWS_TOTAL] = 990
    assert report([sql(rows=1_000, rows_total=1_000)], before).state is not State.FINISHED
    before[0].measures[Measure.ROWS_TOTAL] = 1_000
    assert report([sql(rows=1_000, rows_total=1_000)], before).state is State.FINISHED


def test_lines_of_a_pattern_named_as_a_measure_of_quality_are_judged_as_it() -> None:
    found = report([log([worker(0, 5.0, 0.1)], happened={"checksum_errors": happened(1)})])
    assert (found.level, finding(found, "quality").evidence) == (
        Level.WARNING,
        ["checksum errors: 1, none is allowed"],
    )


def test_records_that_were_left_as_they_are_are_told() -> None:
    ended = job("completed", done=100_000, matched=100_000, updated=99_896)
    texts = {one.name: one.text for one in report([ended]).stats}
    assert texts["left_as_is"] == "104 records"


def test_a_minute_that_has_just_begun_is_no_throughput() -> None:
    now = int(NOW // 60)
    assert [one["count"] for one in report([sql({now - 1: 5, now: 1}, rows=6)]).minutes] == [5]


def test_where_all_are_alike_nobody_is_the_bottleneck() -> None:
    alike = [worker(number, 60.0, 0.5) for number in range(3)]
    assert "worker" not in (report([log(alike)]).eta.bottleneck or "")
    assert "worker 0" in (report([log([worker(0, 40.0, 0.3), *alike[1:]])]).eta.bottleneck or "")


def test_of_a_log_that_could_not_be_read_no_error_is_counted() -> None:
    binary = failing("log bin.log", "it is binary; name a log of text")
    binary.seen = "1 MB"
    found = report([binary])
    assert (found.errors, found.eta.text) == ([], "not known: no source tells how far it is")
    assert names(found) == ["unknown", "source_failed"]

"""When it may be done, of each kind of source, and where nobody can say that."""

import pytest

from backfill.monitor.readings import Measure, Point
from tests.support.looking_on import NOW, job, log, looks, pace, sql, worker

MINUTE = int(NOW // 60)


def points(*pairs: tuple[float, float]) -> list[Point]:
    return [Point(at, value) for at, value in pairs]


def test_a_job_of_ours_brings_its_rate_and_its_range() -> None:
    found = pace([job()])
    assert (found.progress.done, found.progress.total, found.progress.unit) == (612_000, 1_000_000, "records")
    assert found.rate is not None
    assert found.rate.a_minute == 300_000
    assert found.eta.by_overall_at is not None
    assert found.eta.by_overall_at.timestamp() == pytest.approx(NOW + 77.6)
    assert found.eta.earliest_at is not None
    assert found.eta.latest_at is not None
    assert (found.eta.earliest_at.timestamp(), found.eta.latest_at.timestamp()) == (NOW + 70, NOW + 95)


def test_the_slowest_is_who_needs_longest_not_who_is_last() -> None:
    found = pace([log([worker(0, 60.0, 4.0), worker(1, 70.0, 0.5)])])
    assert found.eta.bottleneck == "worker 1: 70.0 %, 0.5 % a minute"


def test_nothing_that_stands_still_has_a_time() -> None:
    found = pace([sql(rows=5, rows_total=10)], looks(Measure.ROWS, (600, 5)))
    assert (found.eta.by_overall_at, found.eta.text) == (None, "not known: nothing has moved")


@pytest.mark.parametrize("total", [100_000, 10**12])
def test_what_takes_years_is_said_so(total: int) -> None:
    found = pace([sql(rows=2, rows_total=total)], looks(Measure.ROWS, (600, 1)))
    assert found.eta.by_overall_at is None
    assert found.eta.text == "done in more than a year"


def test_what_is_left_is_counted_from_when_it_was_told() -> None:
    found = pace([log([worker(0, 90.0, 1.0, quiet=240)])])
    assert found.eta.by_slowest_at is not None
    assert found.eta.by_slowest_at.timestamp() == pytest.approx(NOW + 600 - 240)
    late = pace([log([worker(0, 99.0, 1.0, quiet=240)])])
    assert late.eta.text == "overdue: as it went, it would have been done by 15:57 UTC"
    assert late.eta.latest_at is not None
    assert late.eta.latest_at.timestamp() == NOW


def test_a_count_of_the_planner_stands_still_for_long_and_says_nothing_by_it() -> None:
    about = sql(rows=5)
    about.notes.append("about 5 rows, as the planner has it")
    assert pace([about], looks(Measure.ROWS, (900, 5))).still_since is None


def test_more_than_there_should_be_has_no_end() -> None:
    found = pace([sql(rows=12, rows_total=10)], looks(Measure.ROWS, (60, 11)))
    assert found.eta.text == "not known: more is done than there should be in all; correct the total"


def test_a_worker_that_stands_still_leaves_no_end_but_that_of_the_others() -> None:
    found = pace([log([worker(0, 60.0, 0.5, quiet=900), worker(1, 70.0, 1.0)])])
    assert (found.eta.by_overall_at, found.eta.latest_at) == (None, None)
    assert found.eta.text == "not known: worker 0 stands still at 60.0 %; the others are done at about 16:30 UTC"


def test_another_job_is_of_other_rows_and_measures_nothing_twice() -> None:
    other = job("paused", done=5)
    other.source = "job 0f6e"
    assert pace([job(), other]).progress.doubles == []

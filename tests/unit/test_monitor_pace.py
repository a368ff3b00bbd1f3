"""How far, how fast, and when it may be done: of each kind of source, and of numbers that make no sense."""

import math

import pytest

from backfill.monitor import rates
from backfill.monitor.amounts import YEAR
from backfill.monitor.readings import Measure, Point, Worker
from tests.support.looking_on import NOW, job, log, looks, pace, sql, worker

MINUTE = int(NOW // 60)


def points(*pairs: tuple[float, float]) -> list[Point]:
    return [Point(at, value) for at, value in pairs]


def test_a_job_that_is_still_planned_has_no_total() -> None:
    found = pace([job(is_planned=False, seconds_left=None)])
    assert (found.progress.total, found.progress.percent) == (None, None)


def test_two_looks_make_a_rate_and_say_when_it_moved() -> None:
    found = pace([sql(rows=6_000, rows_total=12_000)], looks(Measure.ROWS, (120, 0), (60, 3_000)))
    assert found.rate is not None
    assert (found.rate.a_minute, found.rate.seconds) == (3_000, 120)
    assert found.moved_at == NOW
    assert found.eta.by_overall_at is not None
    assert found.eta.by_overall_at.timestamp() == NOW + 120


def test_a_count_that_stays_is_still_since_it_was_first_so() -> None:
    found = pace([sql(rows=5)], looks(Measure.ROWS, (900, 4), (600, 5), (300, 5)))
    assert (found.still_since, found.moved_at) == (NOW - 600, NOW - 600)
    never = pace([sql(rows=5)], looks(Measure.ROWS, (600, 5)))
    assert (never.still_since, never.moved_at) == (NOW - 600, None)


def test_minutes_make_a_rate_of_those_that_are_whole() -> None:
    minutes = {MINUTE - 3: 100, MINUTE - 2: 200, MINUTE - 1: 300, MINUTE: 7}
    found = pace([sql(minutes, rows=607)])
    assert found.rate is not None
    assert (found.rate.a_minute, found.rate.seconds) == (250, 120)  # the first one is not whole, nor is the last
    assert found.minutes == minutes
    assert found.moved_at == NOW


def test_looks_far_apart_are_believed_rather_than_minutes() -> None:
    before = looks(Measure.ROWS, (600, 0))
    found = pace([sql({MINUTE - 2: 9, MINUTE - 1: 9}, rows=1_000)], before)
    assert found.rate is not None
    assert found.rate.a_minute == 100


def test_workers_make_a_share_of_the_whole_and_those_not_heard_of_have_none() -> None:
    found = pace([log([worker(0, 100.0), worker(1, 50.0, 1.0)])], workers=4)
    assert found.progress.percent == 37.5
    assert found.share is not None
    assert found.share.a_minute == pytest.approx(0.25)
    assert found.eta.by_slowest_at is not None
    assert found.eta.by_slowest_at.timestamp() == pytest.approx(NOW + 3_000)


def test_a_restart_cuts_the_way() -> None:
    way = points((0, 10), (60, 50), (120, 90), (180, 1), (240, 3), (300, 5))
    rate = rates.slope(way, "")
    assert rate is not None
    assert rate.a_minute == pytest.approx(2)


def test_a_clock_that_jumps_cuts_the_way() -> None:
    ahead = points((0, 1), (60, 2), (120, 3), (7_320, 4), (7_380, 5), (7_440, 6))
    rate = rates.slope(ahead, "")
    assert rate is not None
    assert (rate.a_minute, rate.seconds) == (pytest.approx(1), 120)
    back = points((7_200, 1), (7_260, 2), (60, 3), (120, 4), (180, 5))
    rate = rates.slope(back, "")
    assert rate is not None
    assert rate.a_minute == pytest.approx(1)


def test_one_wrong_point_does_not_move_a_slope() -> None:
    way = points(*((60.0 * number, 2.0 * number) for number in range(12)))
    way[5] = Point(300, 11.9)
    rate = rates.slope(way, "")
    assert rate is not None
    assert rate.a_minute == pytest.approx(2)


def test_no_two_moments_make_no_rate() -> None:
    assert rates.slope([], "") is None
    assert rates.slope(points((5, 1)), "") is None
    assert rates.slope(points((5, 1), (5, 2)), "") is None
    assert rates.rise(points((5, 1), (5, 9)), "") is None
    assert rates.by_minute({}, NOW, "") is None


def test_positions_of_workers_have_a_rate_and_no_end() -> None:
    workers = [
        Worker(
            str(name),
            "log load.log",
            position=18_000_600,
            unit="block",
            last_at=NOW,
            points=points((NOW - 120, 18_000_000), (NOW - 60, 18_000_300), (NOW, 18_000_600)),
        )
        for name in range(3)
    ]
    found = pace([log(workers)])
    assert found.rate is not None
    assert found.rate.a_minute == pytest.approx(900)
    assert found.eta.text == "not known: no source tells of how much it is; give --total, or total in the profile"


def test_positions_that_count_the_units_are_what_is_done() -> None:
    pages = [Worker(str(name), "log sync.log", position=200, unit="page") for name in range(2)]
    found = pace([log(pages)], unit="pages", total=1_000)
    assert (found.progress.done, found.progress.percent) == (400, 40)


def test_of_two_that_measure_the_same_the_one_that_knows_best_counts_and_it_is_said() -> None:
    found = pace([log(measures={Measure.ROWS: 900}), sql(rows=500)])
    assert found.progress.done == 500
    assert found.progress.doubles == ["log load.log measures rows too, 900: 500 of sql DATABASE_URL counts"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 10**400, "many", True, -(10**400)])
def test_what_is_no_number_is_not_measured(value: float | str) -> None:
    found = pace([sql(rows=value)])
    assert (found.progress.done, found.measures) == (None, {})


def test_the_newest_time_of_the_data_counts_only_where_it_can_be_that_of_the_work() -> None:
    assert pace([sql(newest=NOW - 30)]).moved_at == NOW - 30
    assert pace([sql(newest=NOW - YEAR)]).moved_at is None


def test_what_the_next_look_wants_to_know_is_measured() -> None:
    found = pace([log([worker(0, 40.0, 1.0)]), sql(rows=7, files=2)])
    assert found.measures == {Measure.ROWS: 7, Measure.FILES: 2, Measure.PERCENT: 40}


def test_ten_thousand_workers_take_no_time() -> None:
    import time

    many = [worker(number, 50.0 + number / 1_000, 0.5) for number in range(10_000)]
    began = time.monotonic()
    pace([log(many)])
    assert time.monotonic() - began < 10


def test_the_rate_of_a_young_job_is_of_the_seconds_that_it_has() -> None:
    found = pace([job(started_at=NOW - 6)])
    assert found.rate is not None
    assert found.rate.seconds == 6


def test_two_looks_that_are_close_are_believed_less_than_minutes() -> None:
    before = looks(Measure.ROWS, (5, 999))
    found = pace([sql({MINUTE - 2: 9, MINUTE - 1: 9}, rows=1_000)], before)
    assert found.rate is not None
    assert found.rate.a_minute == 9


def test_what_has_an_end_is_preferred_to_what_has_none() -> None:
    found = pace([sql(files=3, bytes=50, bytes_total=200)])
    assert (found.progress.measure, found.progress.percent) == (Measure.BYTES, 25)


def test_pages_add_up_and_blocks_do_not() -> None:
    pages = [Worker(str(name), "log sync.log", position=200, unit="page") for name in range(2)]
    assert (pace([log(pages)], total=1_000).progress.done, pace([log(pages)], total=1_000).progress.unit) == (
        400,
        "pages",
    )
    blocks = [Worker(str(name), "log sync.log", position=200, unit="block") for name in range(2)]
    assert (pace([log(blocks)], total=1_000).progress.done, pace([log(blocks)]).progress.unit) == (None, "blocks")


def test_few_points_after_a_jump_are_not_held_against_those_before() -> None:
    rate = rates.slope(points((0, 1), (60, 2), (120, 3), (7_320, 4), (7_380, 5)), "")
    assert rate is not None
    assert rate.a_minute == pytest.approx(1)


def test_seconds_between_two_looks_make_no_rate_of_workers() -> None:
    once = [Worker("1", "log load.log", 61.2)]
    assert pace([log(once)], looks(Measure.PERCENT, (2, 61.2))).share is None
    found = pace([log(once)], looks(Measure.PERCENT, (120, 59.2)))
    assert found.share is not None
    assert found.share.a_minute == pytest.approx(1)


def test_it_moved_at_its_newest_time_not_at_the_end_of_that_minute() -> None:
    assert pace([sql({MINUTE - 1: 9}, rows=9, newest=NOW - 54)]).moved_at == NOW - 54

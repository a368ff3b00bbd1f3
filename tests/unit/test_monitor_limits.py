"""What is healthy, at its limits and beyond them: rates, refusals, retries, rows, shares."""

import pytest

from backfill.monitor.readings import Measure, Point, Worker
from backfill.monitor.report import Level, State
from tests.support.looking_on import (
    NOW,
    SLOWLY,
    finding,
    happened,
    job,
    log,
    looks,
    names,
    report,
    sql,
    worker,
)


def test_rows_that_rise_too_slowly_are_slow_and_fast_enough_are_running() -> None:
    slow = report([sql(rows=1_000_000)], looks(Measure.ROWS, (600, 0)))
    assert (slow.state, slow.level) == (State.SLOW, Level.WARNING)
    fast = report([sql(rows=3_000_000)], looks(Measure.ROWS, (600, 0)))
    assert (fast.state, fast.level) == (State.RUNNING, Level.OK)
    assert report([sql(calls=1_000)], looks(Measure.CALLS, (600, 0))).state is State.RUNNING
    judged = {"limits": {"is_rate_judged": False}}
    assert report([sql(rows=1_000_000)], looks(Measure.ROWS, (600, 0)), **judged).state is State.RUNNING


def test_logs_that_tell_rows_of_a_total_are_judged_by_their_speed_and_those_of_our_own_workers_are_not() -> None:
    minutes = {int(NOW // 60) - back: 1_000 for back in range(1, 12)}
    loads = log(measures={Measure.ROWS: 10_000, Measure.ROWS_TOTAL: 90_000}, minutes=minutes)
    assert report([loads]).state is State.SLOW
    own = log(measures={Measure.ROWS: 10_000}, minutes=minutes)
    assert report([own]).state is State.RUNNING


def test_rows_that_do_not_rise_name_the_three_things_to_look_at() -> None:
    found = report([sql(rows=5), log(happened={"disk_full": happened(3)})], looks(Measure.ROWS, (900, 5), (300, 5)))
    assert (found.state, found.level) == (State.STUCK, Level.CRITICAL)
    evidence = finding(found, "rows_not_rising").evidence
    assert [one.split(":")[0] for one in evidence] == ["process", "fatal lines", "disk"]
    assert "3 lines of no space left" in evidence[2]


def test_some_503s_that_recovered_are_well_tuned() -> None:
    found = report([log(SLOWLY, happened={"http_503": happened(23), "recovered": happened(20)})])
    assert (found.level, names(found)) == (Level.OK, ["running", "well_tuned"])
    assert found.findings[1].text == "well tuned: 23 503s in the last hour, all recovered"


def test_more_than_a_hundred_503s_mean_fewer_workers() -> None:
    found = report([log(SLOWLY, happened={"http_503": happened(101)})], workers=24)
    one = finding(found, "too_many_503")
    assert (found.level, one.next) == (Level.WARNING, "start it again with 18 workers instead of 24")
    assert finding(report([log(SLOWLY, happened={"http_503": happened(60)})]), "too_many_503").level is Level.WARNING


def test_refusals_are_not_said_to_have_recovered_where_the_counts_do_not_show_it() -> None:
    newest = {"http_503": happened(5, ago=0)}
    assert "well_tuned" not in names(report([log(SLOWLY, happened=newest)]))
    lost = {"http_503": happened(5), "recovered": happened(4), "gave_up": happened(1)}
    assert "well_tuned" not in names(report([log(SLOWLY, happened=lost)]))


def test_a_retry_that_failed_is_critical() -> None:
    found = report([log(SLOWLY, happened={"gave_up": happened(3, text="giving up on 17")})])
    assert (found.state, found.level) == (State.RUNNING, Level.CRITICAL)
    assert "; 3 failed retries, none is allowed: work is missing" in found.headline
    assert found.next[0].startswith("stop it, and start it again slower")


def test_shares_above_their_limits_are_a_warning() -> None:
    found = report([sql(rows=10_000, zero_timestamps=1, checksum_errors=2)], looks(Measure.ROWS, (600, 0)))
    assert finding(found, "quality").evidence == [
        "zero timestamps: 1 of 10,000, 0.01 %; less than 0.01 % is healthy",
        "checksum errors: 2, none is allowed",
    ]
    unknown = finding(report([sql(zero_timestamps=5)]), "quality").evidence
    assert unknown == ["zero timestamps: 5 of an unknown number; less than 0.01 % is healthy"]


def test_of_a_log_that_was_not_read_whole_nothing_more_is_promised() -> None:
    seen = {"http_503": happened(23), "recovered": happened(20)}
    found = report([log(SLOWLY, happened=seen, is_whole=False)])
    assert finding(found, "well_tuned").text.endswith("all recovered, as far as the log was read")


def test_what_has_not_failed_is_not_said_to_have_recovered() -> None:
    found = report([log(SLOWLY, happened={"http_503": happened(5, ago=30), "recovered": happened(1)})])
    assert finding(found, "well_tuned").text == "well tuned: 5 503s in the last hour, none failed for good"


def test_who_is_left_is_not_slow_for_those_that_have_finished() -> None:
    crew = [worker(0, 100.0), worker(1, 100.0), worker(2, 100.0), worker(3, 60.0, 0.5)]
    before = looks(Measure.ROWS, (600, 0))
    assert report([sql(rows=600_000), log(crew)], before).state is State.RUNNING
    assert report([sql(rows=400_000), log(crew)], before).state is State.SLOW


def test_rows_that_stand_still_while_the_log_goes_on_are_a_warning_before_they_are_critical() -> None:
    for ago, level in ((200, None), (400, Level.WARNING), (700, Level.CRITICAL)):
        found = report([sql(rows=5), log(SLOWLY)], looks(Measure.ROWS, (ago, 5)))
        assert found.state is State.RUNNING
        assert [one.level for one in found.findings if one.name == "rows_not_rising"] == ([level] if level else [])


def test_of_a_job_of_ours_the_ledger_says_whether_it_stands_still() -> None:
    assert names(report([job()], looks(Measure.ROWS, (900, 612_000)))) == ["running"]


@pytest.mark.parametrize(
    ("many", "found"), [(49, "well_tuned"), (50, "fewer than 50"), (100, "fewer than 50"), (101, "too many workers")]
)
def test_refusals_at_the_limits(many: int, found: str) -> None:
    told = report([log(SLOWLY, happened={"http_503": happened(many)})])
    assert any(found in (one.name, one.text) or found in one.text for one in told.findings)


def test_failed_retries_of_a_job_are_the_ledgers_matter() -> None:
    ours = job()
    ours.measures[Measure.FAILED_RETRIES] = 3
    assert names(report([ours])) == ["running"]
    assert "retries_failing" in names(report([sql(rows=1, failed_retries=3)]))


def test_one_that_is_last_by_little_is_not_far_apart() -> None:
    found = report([log([*(worker(number, 100.0) for number in range(9)), worker(9, 90.0, 0.4)])])
    assert "workers_apart" not in names(found)


def test_what_is_stuck_as_a_whole_names_no_worker_that_stands_still() -> None:
    found = report([log([worker(0, 60.0, 0.5, quiet=3_000), worker(1, 61.0, 0.5, quiet=1_300)], quiet=1_290)])
    assert (found.state, "worker_stalled" in names(found)) == (State.STUCK, False)


def test_some_seconds_of_silence_is_nothing_to_look_at() -> None:
    often = Worker("0", "log load.log", 50.0, points=[Point(NOW - 45 + 2 * step, 40 + step / 2) for step in range(16)])
    assert report([log([often], quiet=15)]).level is Level.OK

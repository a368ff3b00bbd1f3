"""What must not be mistaken: an end or a life that is none, the clock of others, a rate of a moment."""

import pytest

from backfill.monitor.readings import Happened, Line, Measure, Point, Worker
from backfill.monitor.report import Level, State
from tests.support.looking_on import NOW, finding, happened, job, log, looks, names, pace, process, report, sql, worker

SLOWLY = [worker(number, 60.0 + number, 0.5) for number in range(4)]
HOUR = 3_600.0


def places(*shares: int, quiet: float = 0.0) -> list[Worker]:
    """Workers whose shares begin at these records, each 19,000 further."""
    return [
        Worker(
            str(name),
            "log load.log",
            position=share + 19_000,
            unit="record",
            points=[Point(NOW - quiet - 60 * back, share + 19_000 - 1_000 * back) for back in reversed(range(20))],
        )
        for name, share in enumerate(shares)
    ]


def said(text: str, ago: float) -> Happened:
    return Happened(1, {int((NOW - ago) // 60): 1}, [Line("load.log:9", text, NOW - ago)], NOW - ago)


def test_places_of_workers_with_shares_of_their_own_add_up_to_nothing() -> None:
    crew = places(0, 2_500_000, 5_000_000, 7_500_000, quiet=120)
    found = report([log(crew, quiet=120)], total=10_000_000, unit="records")
    assert (found.state, pace([log(crew)], total=10_000_000, unit="records").progress.done) == (State.RUNNING, None)
    assert pace([log(places(0, 0))], total=10_000_000, unit="records").progress.done == 38_000


def test_a_sum_of_places_alone_is_no_end() -> None:
    assert report([log(places(0, 0))], total=38_000, unit="records").state is State.RUNNING


def test_of_several_jobs_the_one_that_is_not_over_is_judged() -> None:
    found = report([job("completed", done=5, matched=5), job(done=1_000)])
    assert (found.state, found.stats[0].value) == (State.RUNNING, 0.1)
    assert "; one of 2 jobs" in found.headline
    over = report([job("completed"), job("failed", reason="gone")])
    assert over.state is State.DEAD


def test_the_end_of_an_earlier_run_is_none() -> None:
    end = said("Import finished successfully", 2 * HOUR)
    fatal = {"finished": end, "fatal": said("FATAL: out of memory", 700)}
    assert report([log(quiet=700, happened=fatal, last_fatal_is_newest=True)]).state is State.DEAD
    assert report([log(quiet=5, happened={"finished": end})]).state is State.RUNNING
    assert report([log(quiet=2 * HOUR, happened={"finished": end})]).state is State.FINISHED


def test_one_of_several_that_says_it_is_done_does_not_end_the_others() -> None:
    found = report([log([worker(0, 76.0, 0.5, quiet=30)], happened={"finished": said("All done.", 10)})])
    assert found.state is State.RUNNING


def test_a_clock_ahead_is_no_sign_of_life() -> None:
    ahead = worker(0, 57.0, 0.5, quiet=-2 * HOUR)
    found = report([log([ahead], quiet=-2 * HOUR)])
    assert (found.state, found.eta.latest_at) == (State.UNKNOWN, None)
    assert finding(found, "clock_jumped").level is Level.WARNING
    assert "set timezone" in " ".join(found.next)
    assert "moved just now" not in str(found)


def test_lines_far_behind_the_time_of_their_file_are_not_stuck() -> None:
    behind = [worker(0, 57.0, 0.5, quiet=5 * HOUR)]
    found = report([log(behind, quiet=5 * HOUR, written_at=NOW - 5)])
    assert (found.state, found.level) == (State.UNKNOWN, Level.WARNING)
    assert "its lines are 4 h 59 min behind" in found.headline
    assert report([log(behind, quiet=5 * HOUR, written_at=NOW - 5 * HOUR)]).state is State.STUCK


def test_a_name_that_matches_nothing_kills_nothing_that_was_just_heard() -> None:
    found = report([log(SLOWLY), process(sought="lod.js")])
    assert (found.state, found.level) == (State.RUNNING, Level.CRITICAL)
    gone = finding(found, "process_gone")
    assert gone.text == "no process matches lod.js, but it goes on"
    assert gone.next == "see whether the name is right, and where it runs"
    assert report([log(SLOWLY), process(sought="pid 7")]).state is State.DEAD
    long_ago = log([worker(0, 60.0, 0.5, quiet=90)], quiet=90)
    assert report([long_ago, process(1, 2, sought="node"), process(sought="x")]).state is State.RUNNING
    assert report([long_ago, process(sought="x")]).state is State.DEAD


def test_bursts_are_not_the_rate_of_the_minutes_behind_them() -> None:
    now = int(NOW // 60)
    found = pace([sql({now - back: 600_000 for back in (2, 12, 22, 32)}, rows=1)])
    assert found.rate is not None
    assert found.rate.a_minute == 60_000


def test_what_is_finished_is_not_to_be_started_again() -> None:
    done = [worker(0, 100.0, quiet=3 * 24 * HOUR)]
    seen = {"http_503": happened(150, ago=3 * 24 * HOUR), "gave_up": happened(2, ago=3 * 24 * HOUR)}
    found = report([log(done, quiet=3 * 24 * HOUR, happened=seen)])
    assert names(found) == ["finished", "retries_failing"]
    assert found.next == ["do again what the lines name"]


@pytest.mark.parametrize("percent", [99.97, 99.996])
def test_nearly_all_is_not_all_anywhere(percent: float) -> None:
    found = report([log([worker(0, percent, 0.5), worker(1, percent, 0.5, quiet=900)])])
    assert "100" not in found.headline
    assert [one.text for one in found.workers] == ["0 at 99.9 %", "1 standing still at 99.9 %"]
    assert found.stats[0].value != 100.0
    assert report([sql(rows=9_999_999, rows_total=10_000_000)]).stats[0].value == 99.99


def test_a_job_that_is_being_planned_or_paused_has_neither_end_nor_speed() -> None:
    assert report([job(is_planned=False)]).eta.text == "not known yet: it is still being planned"
    paused = report([job("paused", reason="the night")])
    assert "a second" not in paused.headline
    assert "rate_per_minute" not in [one.name for one in paused.stats]


def test_a_rate_of_some_seconds_is_not_judged_and_its_range_is_wide() -> None:
    found = report([sql(rows=1_010, rows_total=2_010)], looks(Measure.ROWS, (5, 1_000)))
    assert found.state is State.RUNNING
    assert found.eta.earliest_at is not None
    assert found.eta.latest_at is not None
    left = [one.timestamp() - NOW for one in (found.eta.earliest_at, found.eta.latest_at)]
    assert left == [pytest.approx(125), pytest.approx(2_000)]


def test_rows_that_fell_are_said() -> None:
    found = report([sql(rows=5_000)], looks(Measure.ROWS, (60, 9_000)))
    assert finding(found, "went_backwards").text == "the number of rows fell from 9,000 to 5,000 since the last look"


def test_workers_that_were_never_heard_of_are_missed() -> None:
    long = Worker("0", "log load.log", 50.0, points=[Point(NOW - 60 * back, 60.0 - back) for back in (30, 20, 10, 0)])
    assert finding(report([log([long])], workers=24), "worker_stalled").text == "23 of 24 workers were not heard of"
    assert "worker_stalled" not in names(report([log(SLOWLY)], workers=24))


def test_a_wrong_name_beside_a_log_that_goes_on_says_what_is_known() -> None:
    found = report([sql(calls=1_200, calls_total=5_000), log(quiet=5), process(sought="sync.py")])
    assert found.headline.startswith("running: 24.0 % done, 1,200 of 5,000 calls; its log was written 5 s ago; ")


def test_a_job_that_is_over_does_not_end_what_a_log_beside_it_tells() -> None:
    beside = log([worker(number, 70.0 + number, 5.0) for number in range(4)])
    found = report([job("completed", done=1_000_000), beside])
    assert (found.state, found.level) == (State.RUNNING, Level.OK)
    assert found.headline.startswith("running: log load.log moves at 71.5 %; the job is finished: killmails ")
    ours = Worker("worker.1", "log demo.log", position=500, unit="record", last_at=NOW - 1)
    assert report([job("completed", done=1_000_000), log([ours])]).state is State.FINISHED


def test_errors_that_go_on_while_nothing_moves_are_a_warning() -> None:
    errors = {"error": happened(5, ago=4, text="ERROR: duplicate key")}
    found = report([log(quiet=4, happened=errors)])
    assert (found.level, finding(found, "many_errors").next) == (Level.WARNING, "read them: does each batch fail?")
    assert "many_errors" not in names(report([log(SLOWLY, quiet=4, happened=errors)]))
    assert "many_errors" in names(report([log(SLOWLY, quiet=4, happened={"error": happened(50, ago=60)})]))


def test_the_first_seconds_of_a_log_are_no_minute() -> None:
    first = int(NOW // 60) - 1
    read = log(measures={Measure.ROWS: 60_000, Measure.ROWS_TOTAL: 100_000}, minutes={first: 7_000, first + 1: 33_000})
    assert pace([read]).rate is None
    read.points = [Point(NOW - 44 + 10 * step, 20_000 + 10_000 * step) for step in range(5)]
    found = pace([read])
    assert found.rate is not None
    assert (found.rate.a_minute, found.moved_at) == (60_000, NOW - 4)
    assert found.eta.by_overall_at is not None
    assert found.eta.by_overall_at.timestamp() == NOW + 36


def test_the_default_rate_does_not_judge_what_is_soon_done() -> None:
    before = looks(Measure.ROWS, (600, 0))
    soon = [sql(rows=40_000, rows_total=50_000)]
    assert report(soon, before).state is State.RUNNING
    assert report(soon, before, limits={"good_rate": [200_000, 500_000]}).state is State.SLOW
    assert "set good_rate" in " ".join(report([sql(rows=40_000)], before).findings[0].evidence)


def test_a_headline_says_how_many_more_are_as_bad() -> None:
    seen = {"gave_up": happened(1), "disk_full": happened(1, ago=1)}
    found = report([log(SLOWLY, happened=seen)])
    assert "; 1 failed retry, none is allowed: work is missing; and 1 more as bad" in found.headline


def test_one_is_one() -> None:
    assert "1 row a minute" in report([sql(rows=11)], looks(Measure.ROWS, (600, 1))).headline

"""What a backfill is judged to do, with the evidence and the next step."""

import pytest

from backfill.monitor.readings import Measure
from backfill.monitor.report import Level, State
from tests.support.looking_on import (
    NOW,
    SLOWLY,
    STILL,
    finding,
    happened,
    job,
    log,
    looks,
    names,
    process,
    report,
    sql,
    worker,
)


def test_workers_that_move_are_running_with_both_times_left() -> None:
    found = report([log(SLOWLY)])
    assert (found.state, found.level, names(found)) == (State.RUNNING, Level.OK, ["running"])
    assert found.headline == (
        "running: 61.5 % done by 4 workers, 0.5 % a minute; done between 17:17 UTC and 17:20 UTC, in 77 min to 80 min"
    )
    assert found.slowest == "worker 0: 60.0 %, 0.5 % a minute"
    assert found.eta.by_slowest_at is not None
    assert found.eta.by_overall_at is not None
    assert found.eta.by_overall_at < found.eta.by_slowest_at


@pytest.mark.parametrize(
    ("state", "verdict", "level"),
    [
        ("pending", State.RUNNING, Level.OK),
        ("running", State.RUNNING, Level.OK),
        ("resuming", State.RUNNING, Level.OK),
        ("paused", State.PAUSED, Level.WARNING),
        ("completed", State.FINISHED, Level.OK),
        ("failed", State.DEAD, Level.CRITICAL),
        ("cancelled", State.DEAD, Level.WARNING),
    ],
)
def test_a_job_of_ours_does_what_its_ledger_says(state: str, verdict: State, level: Level) -> None:
    found = report([job(state, reason="the night shift")])
    assert (found.state, found.level) == (verdict, level)
    assert found.headline.startswith(f"{verdict.value}: killmails ")


def test_a_job_that_nobody_works_on_is_stuck_and_said_once() -> None:
    stuck = [("no_worker", "killmails: no live worker serves it", "backfill-worker")]
    found = report([job(attention=stuck, live_workers=0)])
    assert (found.state, found.level, names(found)) == (State.STUCK, Level.CRITICAL, ["stuck"])
    assert found.next == ["backfill-worker"]


def test_silence_while_the_process_lives_is_stuck() -> None:
    found = report([log(STILL, quiet=1_290), process(4711)])
    assert (found.state, found.level) == (State.STUCK, Level.CRITICAL)
    assert "nothing has moved for 21 min 40 s" in found.headline
    assert "pid 4711" in " ".join(found.findings[0].evidence)
    assert found.eta.latest_at is None


def test_silence_alone_does_not_say_whether_it_lives() -> None:
    found = report([log(STILL, quiet=1_290)])
    assert found.state is State.STUCK
    assert "whether its process lives is not known" in found.headline
    assert found.findings[0].next == "see whether its process lives: backfill monitor --process NAME"


def test_a_process_that_is_gone_before_the_end_is_dead() -> None:
    long_ago = [worker(number, 60.0 + number, 0.5, quiet=90) for number in range(4)]
    found = report([log(long_ago, quiet=90), process()])
    assert (found.state, found.level) == (State.DEAD, Level.CRITICAL)
    assert found.headline == "dead: its process is gone at 61.5 %"
    assert "process_gone" not in names(found)


def test_a_process_that_is_gone_after_the_end_has_finished() -> None:
    found = report([log([worker(0, 100.0), worker(1, 100.0)]), process()])
    assert (found.state, found.level) == (State.FINISHED, Level.OK)
    assert found.headline == "finished: all 2 workers have finished"
    assert found.eta.text == "it is done"


def test_a_gone_process_of_which_nothing_tells_how_far_it_came_is_not_called_dead() -> None:
    found = report([process()])
    assert (found.state, found.level) == (State.UNKNOWN, Level.CRITICAL)
    assert "process_gone" in names(found)


def test_a_fatal_line_and_silence_is_dead_and_a_fatal_line_among_others_is_not() -> None:
    fatal = {"fatal": happened(1, ago=200, text="FATAL: heap out of memory")}
    dead = report([log(SLOWLY, quiet=200, happened=fatal, last_fatal_is_newest=True)])
    assert (dead.state, dead.level) == (State.DEAD, Level.CRITICAL)
    assert "load.log:7: FATAL: heap out of memory" in dead.findings[0].evidence
    alive = report([log(SLOWLY, happened=fatal)])
    assert (alive.state, alive.level) == (State.RUNNING, Level.WARNING)
    assert "it has gone on since" in finding(alive, "fatal_lines").text


def test_a_stopped_process_is_stuck_however_lately_it_moved() -> None:
    found = report([log(SLOWLY), process(4711, is_stopped=True)])
    assert found.state is State.STUCK
    assert "kill -CONT 4711" in (found.findings[0].next or "")


def test_one_look_at_a_count_cannot_tell_whether_it_rises() -> None:
    found = report([sql(rows=1_000)])
    assert (found.state, found.level) == (State.UNKNOWN, Level.UNKNOWN)
    assert found.headline == "unknown: 1,000 rows; nothing tells yet whether it moves"


def test_all_that_is_measured_is_finished() -> None:
    found = report([sql(rows=1_000, rows_total=1_000)])
    assert (found.state, found.headline) == (State.FINISHED, "finished: 1,000 of 1,000 rows are done")


def test_work_that_has_ended_with_rows_missing_is_a_warning() -> None:
    found = report([log([worker(0, 100.0)]), sql(rows=900, rows_total=1_000)])
    assert (found.state, found.level) == (State.FINISHED, Level.WARNING)
    assert "90.0 % done" in found.headline


def test_fewer_workers_than_there_should_be_have_not_finished() -> None:
    assert report([log([worker(0, 100.0)])], workers=2).state is not State.FINISHED


def test_where_nothing_tells_how_far_it_is_the_report_says_what_would() -> None:
    found = report([process(4711)])
    assert (found.state, found.level) == (State.RUNNING, Level.OK)
    assert found.headline == "running: its process is alive; no source tells how far it is"
    assert found.next == ["name what tells it: a query, a command that counts, a job, or patterns of its log"]
    written = report([log(quiet=30)])
    assert written.headline == "running: its log was written 30 s ago; no source tells how far it is"


def test_a_log_that_says_nothing_for_long_is_stuck_even_without_progress_in_it() -> None:
    assert report([log(quiet=601)]).state is State.STUCK
    assert report([log(quiet=599)]).state is State.RUNNING


def test_what_is_quiet_for_a_while_is_said_before_it_is_stuck() -> None:
    found = report([log([worker(0, 60.0, 0.5, quiet=240)])])
    assert (found.state, found.level) == (State.RUNNING, Level.WARNING)
    assert "; silent for 4 min 00 s, a worker told every 30 s; " in found.headline
    assert report([log([worker(0, 60.0, 0.5, quiet=140)])]).level is Level.OK


def test_the_end_that_is_said_with_much_left_is_a_warning() -> None:
    said = {"finished": happened(1, ago=1, text="Backfill complete")}
    assert report([log([worker(0, 99.5, 0.5)], happened=said)]).level is Level.OK
    short = report([log([worker(0, 61.5, 0.5, quiet=200)], happened=said)])
    assert (short.state, short.level) == (State.FINISHED, Level.WARNING)
    assert short.headline.startswith("finished: its work has ended, but 61.5 % done")


def test_a_job_that_was_just_started_may_yet_get_its_workers() -> None:
    waits = [("no_worker", "killmails: no live worker serves it", "backfill-worker")]
    new = report([job(attention=waits, live_workers=0, started_at=NOW - 5)])
    assert (new.state, new.level) == (State.RUNNING, Level.WARNING)
    assert new.next == ["backfill-worker"]
    for state, started in (("running", NOW - 90), ("pending", None)):
        opened = job(state, attention=waits, live_workers=0, started_at=started, done=0)
        opened.newest_at = NOW - 90
        assert report([opened]).headline.startswith("running: killmails waits for a worker since 1 min 30 s")
        assert report([opened], stuck_after="1m").state is State.STUCK


def test_a_total_that_was_said_too_low_does_not_end_what_goes_on() -> None:
    rising = report([sql(rows=12_000_000, rows_total=10_000_000)], looks(Measure.ROWS, (600, 9_000_000)))
    assert (rising.state, "120.0 % done" in rising.headline) == (State.RUNNING, True)
    ended = report([sql(rows=12_000_000, rows_total=10_000_000)], looks(Measure.ROWS, (600, 12_000_000)))
    assert ended.state is State.FINISHED


def test_a_fatal_line_just_now_or_of_what_lives_is_not_yet_the_end() -> None:
    fatal = {"fatal": happened(1, ago=10)}
    moved = [worker(0, 60.0, 0.5, quiet=12)]
    assert report([log(moved, quiet=10, happened=fatal, last_fatal_is_newest=True)]).state is State.RUNNING
    fatal = {"fatal": happened(1, ago=200)}
    lives = log([worker(0, 60.0, 0.5, quiet=202)], quiet=200, happened=fatal, last_fatal_is_newest=True)
    assert report([lives, process(4711)]).state is State.RUNNING
    assert report([lives]).state is State.DEAD

"""What a look is judged to show: the state, and each finding with its evidence."""

import pytest

from backfill.monitor.readings import Measure
from backfill.monitor.report import Level, State
from backfill.monitor.verdicts import NAMES
from tests.support.looking_on import (
    NOW,
    failing,
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

SLOWLY = [worker(number, 60.0 + number, 0.5) for number in range(4)]
STILL = [worker(number, 60.0 + number, 0.5, quiet=1_300) for number in range(4)]


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


def test_what_else_needs_somebody_to_look_is_a_finding() -> None:
    late = [("deadline_at_risk", "killmails: it may end too late", "backfill set 0f --priority high")]
    found = report([job(attention=late)])
    assert (found.state, found.level, names(found)) == (State.RUNNING, Level.WARNING, ["running", "attention"])


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
    found = report([log(SLOWLY), process()])
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


def test_rows_that_rise_too_slowly_are_slow_and_fast_enough_are_running() -> None:
    slow = report([sql(rows=1_000_000)], looks(Measure.ROWS, (600, 0)))
    assert (slow.state, slow.level) == (State.SLOW, Level.WARNING)
    fast = report([sql(rows=3_000_000)], looks(Measure.ROWS, (600, 0)))
    assert (fast.state, fast.level) == (State.RUNNING, Level.OK)
    assert report([sql(calls=1_000)], looks(Measure.CALLS, (600, 0))).state is State.RUNNING
    judged = {"limits": {"is_rate_judged": False}}
    assert report([sql(rows=1_000_000)], looks(Measure.ROWS, (600, 0)), **judged).state is State.RUNNING


def test_rows_that_do_not_rise_name_the_three_things_to_look_at() -> None:
    found = report([sql(rows=5), log(happened={"disk_full": happened(3)})], looks(Measure.ROWS, (900, 5), (300, 5)))
    assert (found.state, found.level) == (State.STUCK, Level.CRITICAL)
    evidence = finding(found, "rows_not_rising").evidence
    assert [one.split(":")[0] for one in evidence] == ["process", "fatal lines", "disk"]
    assert "3 lines of no space left" in evidence[2]


def test_all_that_is_measured_is_finished() -> None:
    found = report([sql(rows=1_000, rows_total=1_000)])
    assert (found.state, found.headline) == (State.FINISHED, "finished: 1,000 of 1,000 rows are done")


def test_work_that_has_ended_with_rows_missing_is_a_warning() -> None:
    found = report([log([worker(0, 100.0)]), sql(rows=900, rows_total=1_000)])
    assert (found.state, found.level) == (State.FINISHED, Level.WARNING)
    assert "90.0 % done" in found.headline


def test_fewer_workers_than_there_should_be_have_not_finished() -> None:
    assert report([log([worker(0, 100.0)])], workers=2).state is not State.FINISHED


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
    assert "; 3 failed retries, none is allowed: work is missing; done between" in found.headline
    assert found.next[0].startswith("stop it, and start it again slower")


def test_workers_far_apart_are_to_be_rebalanced() -> None:
    apart = report([log([worker(0, 20.0, 0.5), worker(1, 50.0, 0.5)])])
    assert finding(apart, "workers_apart").text == ("workers are far apart: worker 0 is at 20.0 %, worker 1 at 50.0 %")
    last = report([log([*(worker(number, 100.0) for number in range(9)), worker(9, 61.2, 0.4)])])
    assert "9 have finished, worker 9 is at 61.2 %" in finding(last, "workers_apart").text
    assert "workers_apart" not in names(report([log(SLOWLY)]))


def test_a_worker_that_stands_still_is_named() -> None:
    found = report([log([*SLOWLY[1:], worker(0, 60.0, 0.5, quiet=900)])])
    assert finding(found, "worker_stalled").text == "worker 0 has not moved for 15 min 00 s, while others have"
    assert found.eta.by_slowest_at is None
    assert found.eta.bottleneck == "worker 0 stands still at 60.0 %"


def test_workers_that_began_again_or_went_back_are_named() -> None:
    found = report([log([worker(0, 60.0, 0.5, restarts=2), worker(1, 61.0, 0.5, backwards=1)])])
    assert finding(found, "restarted").text.startswith("worker 0 began again, 2 times in all")
    assert finding(found, "went_backwards").text.startswith("the progress of worker 1 went backwards")


def test_sources_that_fail_are_a_warning_and_all_of_them_unknown() -> None:
    one = report([failing(), log(SLOWLY)])
    assert (one.state, one.level) == (State.RUNNING, Level.WARNING)
    assert finding(one, "source_failed").evidence == ["sql DATABASE_URL: the database is down; start it"]
    every = report([failing()])
    assert (every.state, every.level) == (State.UNKNOWN, Level.UNKNOWN)
    none = report([])
    assert (none.state, none.level, names(none)) == (State.UNKNOWN, Level.UNKNOWN, ["unknown", "no_source"])


def test_of_several_processes_none_is_guessed() -> None:
    found = report([log(STILL, quiet=1_290), process(1, 2)])
    assert "whether its process lives is not known" in found.headline
    assert len(finding(found, "process_ambiguous").evidence) == 2
    assert "process_ambiguous" not in names(report([log(SLOWLY), process(1, 2, is_all=True)]))


def test_shares_above_their_limits_are_a_warning() -> None:
    found = report([sql(rows=10_000, zero_timestamps=1, checksum_errors=2)], looks(Measure.ROWS, (600, 0)))
    assert finding(found, "quality").evidence == [
        "zero timestamps: 1 of 10,000, 0.01 %; less than 0.01 % is healthy",
        "checksum errors: 2, none is allowed",
    ]


def test_mistakes_of_the_profile_are_named() -> None:
    found = report([log(SLOWLY)], mistakes=("unknown key logs",))
    assert finding(found, "profile_mistake").evidence == ["unknown key logs"]


def test_rotated_logs_and_clocks_that_jump_are_said_and_no_harm() -> None:
    found = report([log(SLOWLY, notes=["rotated; the old one was read to its end"], clock_jumps=["2 h back at 3"])])
    assert (found.level, names(found)) == (Level.OK, ["running", "clock_jumped", "rotated"])


def test_every_name_is_known_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert NOW % 60 == 0


def test_a_worker_that_stands_still_has_neither_a_rate_nor_a_time() -> None:
    found = report([log([worker(0, 60.0, 0.5, quiet=9), worker(1, 61.0, 0.5)])], stuck_after="5s")
    assert finding(found, "worker_stalled").evidence == ["worker 0: 60.0 %, stands still, moved last at 15:59:51 UTC"]
    assert (found.slowest, found.eta.by_slowest_at) == ("worker 0: 60.0 %, stands still", None)
    assert [one.text for one in found.workers] == ["1 at 61.0 %", "0 standing still at 60.0 %"]


@pytest.mark.parametrize(
    ("sought", "text"),
    [
        ("load.js", "no process matches load.js"),
        ("pid 7", "there is no process with pid 7"),
        ("of run.pid", "the process of run.pid is gone"),
    ],
)
def test_what_was_sought_and_is_gone_is_said_in_words(sought: str, text: str) -> None:
    found = report([log(SLOWLY), process(1, sought="other.js"), process(sought=sought)])
    assert (found.state, finding(found, "process_gone").text) == (State.RUNNING, text)


def test_one_of_several_processes_that_is_stopped_is_named() -> None:
    found = report([log(SLOWLY), process(1, sought="a"), process(2, sought="b", is_stopped=True)])
    assert found.state is State.RUNNING
    stopped = finding(found, "worker_stalled")
    assert (stopped.text, stopped.next) == (
        "1 process is stopped by a signal, or a zombie",
        "let it go on: kill -CONT 2",
    )

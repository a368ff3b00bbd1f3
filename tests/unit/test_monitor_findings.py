"""What else is found of a backfill, each with its level, its evidence and what to do."""

import pytest

from backfill.monitor.readings import Problem, Reading, Target
from backfill.monitor.report import Level, State
from backfill.monitor.verdicts import NAMES
from tests.support.looking_on import (
    NOW,
    SLOWLY,
    STILL,
    failing,
    finding,
    happened,
    job,
    log,
    names,
    process,
    report,
    sql,
    worker,
)


def test_what_else_needs_somebody_to_look_is_a_finding() -> None:
    late = [("deadline_at_risk", "killmails: it may end too late", "backfill set 0f --priority high")]
    found = report([job(attention=late)])
    assert (found.state, found.level, names(found)) == (State.RUNNING, Level.WARNING, ["running", "attention"])


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
    assert (none.state, none.level, names(none)) == (State.UNKNOWN, Level.UNKNOWN, ["unknown"])


def test_of_several_processes_none_is_guessed() -> None:
    found = report([log(STILL, quiet=1_290), process(1, 2)])
    assert "whether its process lives is not known" in found.headline
    assert len(finding(found, "process_ambiguous").evidence) == 2
    assert "process_ambiguous" not in names(report([log(SLOWLY), process(1, 2, is_all=True)]))


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


def test_a_source_that_fails_has_the_step_that_its_problem_names() -> None:
    assert report([failing(), log(SLOWLY)]).next == ["sql DATABASE_URL: start it"]


def test_what_stops_it_is_named_and_its_step_comes_first() -> None:
    full = {"disk_full": happened(3, ago=5)}
    disk = report([log(STILL, quiet=2, happened=full), process(4711)])
    assert disk.headline.startswith(
        "stuck: nothing has moved for 21 min 40 s, 61.5 % done by 4 workers; its disk is full"
    )
    assert disk.next[0].startswith("make room where it writes")


def test_a_disk_that_is_nearly_full_is_critical_before_it_is_full() -> None:
    nearly = report([log(SLOWLY), process(4711, disk_bytes=1 << 41)])
    assert (nearly.level, finding(nearly, "disk_full").text) == (
        Level.CRITICAL,
        "the disk is nearly full: less than 5.0 % is free",
    )
    assert "disk_full" not in names(report([log(SLOWLY), process(4711, disk_bytes=1 << 37)]))


def test_a_target_that_cannot_be_reached_is_critical() -> None:
    down = Reading("target db1:5432", "target", NOW, target=Target("db1:5432", None, "it refuses the connection"))
    found = report([log(SLOWLY), down])
    assert (found.level, finding(found, "target_unreachable").evidence) == (
        Level.CRITICAL,
        ["it refuses the connection"],
    )
    stuck = report([log(STILL, quiet=1_290), down])
    assert "; db1:5432 cannot be reached" in stuck.headline


def test_a_disk_that_was_full_before_it_moved_is_not_what_stops_it() -> None:
    full = {"disk_full": happened(3, ago=3_000)}
    found = report([log(STILL, quiet=2, happened=full), process(4711)])
    assert "its disk is full" not in found.headline
    assert finding(found, "disk_full").text.endswith("; it has gone on since")


def test_each_of_several_jobs_is_judged_and_the_worst_makes_the_level() -> None:
    failed = job("failed", backfill="values", reason="the table is gone")
    found = report([job(), failed])
    assert (found.state, found.level, names(found)) == (State.RUNNING, Level.CRITICAL, ["running", "dead"])
    assert "; values failed: the table is gone; " in found.headline


def test_the_worst_is_first_and_what_helps_two_of_them_is_told_once() -> None:
    found = report(
        [log(SLOWLY, clock_jumps=["back"]), process(1), process(sought="a"), process(sought="b")], mistakes=("x",)
    )
    assert names(found) == ["running", "process_gone", "process_gone", "profile_mistake", "clock_jumped"]
    assert found.next == ["see whether it has ended, or the profile names another one", "correct the profile"]


def test_a_source_that_fails_in_part_still_tells_what_it_has() -> None:
    part = sql(rows=1_000, rows_total=1_000)
    part.problems.append(Problem(part.source, "the newest could not be read; look again"))
    found = report([part])
    assert (found.state, found.level) == (State.FINISHED, Level.WARNING)


def test_what_others_wrote_is_one_line_of_a_finding() -> None:
    found = report([log(SLOWLY, happened={"gave_up": happened(1, text="\x1b[2Jgone\nOK")})])
    assert "\\x1b[2Jgone\\nOK" in finding(found, "retries_failing").evidence[0]

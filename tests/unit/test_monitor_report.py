"""The numbers of a report in the shape of its kind, and short however much there is."""

from backfill.monitor.readings import (
    Measure,
    Worker,
)
from backfill.monitor.report import Kind
from tests.support.looking_on import NOW, happened, job, log, looks, process, report, sql, worker


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
        Worker("db1:4", "job latest", in_hand="partition 0000000123 for 4.2 s"),
    ]
    told = report([found])
    assert [one.text for one in told.workers] == ["2 live: db1:4, db2:17"]
    assert told.slowest == "worker db1:4 holds partition 0000000123 for 4.2 s"

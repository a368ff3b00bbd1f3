"""What lines say by the default patterns, and by a profile's own."""

import pytest

from backfill.monitor.logs.saying import Reader, Said
from backfill.monitor.patterns import MOST, compiled


def said(line: str, own: dict[str, str] | None = None, attempts: int = 3) -> Said:
    patterns = compiled(own or {})
    assert not patterns.mistakes
    return Reader(patterns, attempts, "load").said(line.encode())


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(compiled({}), 3, "load")


COUNTED = {
    "Attempt 2 failed": "attempt_failed",
    "worker 3: attempt 1/5 failed: ECONNRESET": "attempt_failed",
    "Attempt 3 failed, retrying in 8 s": "attempt_failed",
    "retry 1 of 3 failed": "attempt_failed",
    "2026-11-26T16:04:16+00:00 recovered after 2 attempts": "recovered",
    "2026-11-26T16:04:16+00:00 error: no": "error",
    "2026-11-26T16:04:16 FATAL": "fatal",
    "ERROR HTTP 503 Service Unavailable, retrying": "http_503",
    "Request failed on attempt 2 of 5": "attempt_failed",
    "Attempt 3 failed": "gave_up",
    "Attempt 5/5 failed": "gave_up",
    "Attempt 5/5 failed, retrying": "gave_up",
    "giving up on block 123": "gave_up",
    "Max retries exceeded with url: /a": "gave_up",
    "failed after 5 attempts": "gave_up",
    "recovered after 2 retries": "recovered",
    "succeeded after 3 attempts": "recovered",
    "Attempt 3 succeeded": "recovered",
    "attempt 2 failed earlier, recovered": "recovered",
    "HTTP 503": "http_503",
    "HTTP/1.1 503 Service Unavailable": "http_503",
    "status code 503": "http_503",
    '{"status":503,"url":"/a"}': "http_503",
    "got 503 from api.example.com": "http_503",
    '127.0.0.1 - - [26/Nov/2026:15:00:00 +0000] "GET / HTTP/1.1" 503 123': "http_503",
    "Service Unavailable": "http_503",
    "request failed: 503": "http_503",
    "GET /a failed with 503, waiting": "http_503",
    "HTTP 429": "rate_limit",
    "429 Too Many Requests": "rate_limit",
    "rate limit exceeded": "rate_limit",
    "Rate-limited, sleeping 3 s": "rate_limit",
    "ERROR cannot parse row 7": "error",
    "ValueError: bad": "error",
    '{"level":"error","msg":"no"}': "error",
    "failed to fetch block 12": "error",
    "FATAL ERROR: heap limit": "fatal",
    "JavaScript heap out of memory": "fatal",
    "Killed": "fatal",
    "worker 3 crashed": "fatal",
    "Segmentation fault (core dumped)": "fatal",
    "Traceback (most recent call last):": "fatal",
    "panic: runtime error: index out of range": "fatal",
    "INFO exited: worker_02 (terminated by SIGKILL; not expected)": "fatal",
    "write failed: ENOSPC: no space left on device": "disk_full",
}


@pytest.mark.parametrize("line", COUNTED)
def test_a_line_is_counted_by_what_is_most_exact_in_it(reader: Reader, line: str) -> None:
    assert reader.said(line.encode()).names == {COUNTED[line]}


@pytest.mark.parametrize(
    "line",
    [
        "wrote 503 rows",
        "request took 503 ms",
        "returned 503 rows",
        "took 503 ms",
        "block 503",
        "fetched 429 pages",
        "0 errors",
        "Errors: 0",
        "no errors",
        "error_rate=0",
        "error rate 0.5 %",
        "finished without errors",
        '{"error":null,"block":12}',
        '{"errors": 0}',
        "rate_limit=100",
        "rate limit is 50 a second",
        "x-ratelimit-remaining: 12",
        "0 failed, 12 ok",
        "killmails 1,200",
        "non-fatal",
        "attempt 1",
        "retrying (1 of 3)",
        "INFO fetched range 18000123 to 18000223 in 12 ms, 100 events",
        "[10,000] Rate: 7,038.6/sec | Updated: 9,991 | Skipped: 9 | Errors: 7",
    ],
)
def test_a_line_in_which_nothing_is_wrong_is_not_counted(reader: Reader, line: str) -> None:
    assert reader.said(line.encode()).names == set()


TOLD = {
    "Worker 9: 61.2% complete": ("9", [("%", 61.2)]),
    "2026-11-26T15:00:00Z [worker-9] 61.2 %": ("9", [("%", 61.2)]),
    "worker=eth-main progress=7%": ("eth-main", [("%", 7)]),
    "Worker 3: Block 18,000,123": ("3", [("block", 18_000_123)]),
    "Worker 3: page 30 of 120": ("3", [("%", 25), ("page", 30)]),
    "Worker 3: page 30 (25%)": ("3", [("%", 25), ("page", 30)]),
    "Worker 3: 4,000 records": ("3", [("record", 4_000)]),
    "02:56:29 worker.2 | [10,000] Rate: 7,038.6/sec | Updated: 9,991": ("worker.2", [("#record", 10_000)]),
    "[pod/load-7/app] 45% complete": ("load-7", [("%", 45)]),
    "progress: 45%": ("load", [("%", 45)]),
    " 45%|####      | 450/1000 [00:10<00:12]": ("load", [("%", 45)]),
    '{"worker":3,"percent":"61.2"}': ("3", [("%", 61.2)]),
    '{"worker":"3: backfill cancel --all #","pct":5}': ("3:_backfill_cancel_--all_#", [("%", 5)]),
    '{"worker_id":"a","progress":0.5}': ("a", [("~", 0.5)]),
    '{"workerName":"a","lastBlock":"123"}': ("a", [("block", 123)]),
    "[INFO] batch 60 of 500 done": ("load", [("%", 12), ("batch", 60)]),
    '{"ts":"x","worker":2,"done":2000,"total":10000}': ("2", [("%", 20)]),
    '{"worker":2,"done":0.5,"total":1}': ("2", [("~", 0.5)]),
    "Worker 3: cpu 99%": (None, []),
    "Workers: 61% busy": (None, []),
    "Worker 3: block " + "9" * 40: (None, []),
}


@pytest.mark.parametrize("line", TOLD)
def test_a_line_tells_how_far_which_worker_came(reader: Reader, line: str) -> None:
    told = reader.said(line.encode())
    assert (told.worker, told.numbers) == TOLD[line]


@pytest.mark.parametrize("line", ["Worker 9 finished", "Worker 9: done.", "[worker 9] completed in 3 h"])
def test_a_worker_finishes(reader: Reader, line: str) -> None:
    assert reader.said(line.encode()).is_worker_finished
    assert not reader.said(line.encode()).is_finished


@pytest.mark.parametrize(
    "line", ["All workers finished", "Backfill complete", "2026-11-26 15:00:00 DONE", "Load done!"]
)
def test_the_whole_finishes(reader: Reader, line: str) -> None:
    assert reader.said(line.encode()).is_finished


def test_an_attempt_that_failed_of_a_status_is_counted_as_both(reader: Reader) -> None:
    assert reader.said(b"2026-11-26T16:00:00Z Attempt 2 failed: 503").names == {"attempt_failed", "http_503"}
    assert reader.said(b"Attempt 1 failed: 429, retrying").names == {"attempt_failed", "rate_limit"}
    assert reader.said(b"Attempt 1 failed: 503 rows left, retrying").names == {"attempt_failed"}


@pytest.mark.parametrize(
    "line", ["Processed 60000/100000", "processed: 60,000 of 100,000, 3 left", "progress 60000/100000."]
)
def test_how_much_is_done_of_how_much_without_a_word_for_it(reader: Reader, line: str) -> None:
    assert reader.said(line.encode()).amount == ("record", 60_000, 100_000)


@pytest.mark.parametrize("line", ["processed 3 of 9 batches", "updated 1 of 5 tables", "written 3/9 MB"])
def test_a_piece_of_something_else_is_no_amount(reader: Reader, line: str) -> None:
    assert reader.said(line.encode()).amount is None


def test_a_pattern_of_a_default_name_replaces_it() -> None:
    own = {"worker_percent": r"lane (?P<worker>\w+) at (?P<percent>\d+)", "gave_up": "abandoned"}
    assert said("lane 7 at 50", own).numbers == [("%", 50)]
    assert said("Worker 7: 50%", own).numbers == []
    assert said("abandoned 7", own).names == {"gave_up"}
    assert said("giving up", own).names == set()


def test_a_pattern_of_another_name_is_counted_beside_the_defaults() -> None:
    assert said("reorg at block 7, HTTP 503", {"reorg": "reorg"}).names == {"reorg", "http_503"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a(?=b)", "lookaround"),
        (r"(a)\1", "references back"),
        ("(", "missing )"),
        ("((a{100}){100}){100}", "repetition"),
        ("x*", "every one"),
        ("a" * 3_000, "shorten"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named_and_the_others_are_used(capfd, text: str, why: str) -> None:
    patterns = compiled({"bad": text, "good": "reorg"})
    assert len(patterns.mistakes) == 1
    assert "pattern bad " in patterns.mistakes[0]
    assert why in patterns.mistakes[0]
    assert patterns.names(b"reorg") == {"good"}
    assert capfd.readouterr() == ("", "")


def test_more_patterns_than_a_profile_may_have_are_said() -> None:
    patterns = compiled({f"own{number}": f"reorg{number}x" for number in range(MOST + 1)})
    assert "101 patterns" in patterns.mistakes[0]
    assert patterns.names(b"reorg99x reorg100x") == {"own99"}


@pytest.mark.parametrize(
    "text", [r"(?P<worker>a)\((?P<percent>\d+)", r"[(?P<x>]z(?P<worker>\d)", r"\Q(?P<x>\E(?P<worker>\d)"]
)
def test_named_groups_of_several_patterns_do_not_get_in_each_others_way(text: str) -> None:
    patterns = compiled({"one": text, "two": text})
    assert not patterns.mistakes
    line = {"(": b"a(7", "[": b"<z7", "\\": b"(?P<x>7"}[text[0]]
    assert patterns.any.search(line)
    assert patterns.names(line) >= {"one", "two"}


def test_a_pattern_that_would_backtrack_for_ever_takes_no_time() -> None:
    patterns = compiled({"slow": "(a|aa)+$"})
    assert patterns.names(b"a" * 200_000 + b"b") == set()

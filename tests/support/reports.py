"""Reports of the monitor to render: an ordinary one, and one whose every text is an attack."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from backfill.monitor.report import (
    Error,
    Eta,
    Finding,
    Kind,
    Level,
    Quality,
    Report,
    Seen,
    Stat,
    State,
    WorkerGroup,
)

NOW = datetime(2026, 11, 26, 15, 44, 4, tzinfo=UTC)


def load(**changes: Any) -> Report:
    """A load by 24 workers that goes well but for one of them."""
    return replace(
        Report(
            title="ERC-1155 load",
            profile="erc1155",
            kind=Kind.DATABASE,
            state=State.RUNNING,
            level=Level.WARNING,
            headline="running: 61.7 % done, about 3 h 10 min left; worker 9 stands still",
            at=NOW,
            since=NOW - timedelta(hours=6),
            findings=[
                Finding(
                    "worker_stalled",
                    Level.WARNING,
                    "worker 9 stands still for 14 min 03 s while others go on",
                    ["tmp/load_erc1155.log:48213: Worker 9: 61.2% complete", "others moved 2.1 % since"],
                    "restart worker 9, or split what is left of its range",
                ),
                Finding(
                    "running", Level.OK, "rows are written: 231,004 a minute", ["12,345,678 rows, 5 min ago 11,190,658"]
                ),
                Finding("well_tuned", Level.OK, "12 503s in the last hour, all recovered: well tuned"),
            ],
            stats=[
                Stat("percent", "done", 61.7, "61.7 %"),
                Stat("rows", "rows", 12_345_678, "12,345,678 of about 20,000,000"),
                Stat("range_start", "range start", 9_007_199_254_740_993, "9,007,199,254,740,993"),
                Stat("range_end", "range end", 9_007_199_254_990_993, "9,007,199,254,990,993"),
                Stat("newest", "newest", "2026-11-26T15:43:58+00:00", "2026-11-26 15:43:58 UTC, 6 s ago"),
                Stat("rate", "throughput", 231_004.5, "231,004 rows a minute over 15 min"),
            ],
            workers=[
                WorkerGroup([str(n) for n in range(8)], "0-7 finished", True, 100.0, 100.0, "percent"),
                WorkerGroup([str(n) for n in range(8, 24)], "8-23 at 61.2 to 84.0 %", False, 61.2, 84.0, "percent"),
            ],
            slowest="worker 9 at 61.2 %",
            errors=[
                Error("http_503", "503", 31, 12, "< 50 an hour", True),
                Error(
                    "gave_up",
                    "failed retries",
                    2,
                    2,
                    "0",
                    False,
                    [
                        {"place": "tmp/load_erc1155.log:48190", "text": "Attempt 3 failed: ECONNRESET, giving up"},
                    ],
                ),
            ],
            quality=[
                Quality("zero_timestamps", "zero timestamps", 12, 12_345_678, 0.0000972, 0.01, True),
                Quality("zero_values", "zero values", 123_456, 12_345_678, 1.0, None, True),
            ],
            eta=Eta(
                NOW + timedelta(hours=3, minutes=10),
                NOW + timedelta(minutes=33),
                NOW + timedelta(minutes=33),
                NOW + timedelta(hours=3, minutes=10),
                "worker 9: 61.2 %, 0.2 % a minute",
                "between 33 min and 3 h 10 min from now",
            ),
            minutes=[
                {"minute": NOW.replace(second=0) - timedelta(minutes=60 - n), "count": 200_000 + n * n * 37 % 60_000}
                for n in range(60)
            ],
            groups=[{"name": "done", "count": 812}, {"name": "failed", "count": 3}],
            sources=[
                Seen("log tmp/load_erc1155.log", "log", "12.4 MB of 12.4 MB", [], ["rotated 15:02:11; both were read"]),
                Seen(
                    "sql DATABASE_URL", "sql", "rows, range, newest", ["the query took longer than 10 s; add an index"]
                ),
            ],
            next=[
                "restart worker 9, or split what is left of its range",
                "look at it again with: backfill monitor --profile erc1155",
            ],
        ),
        **changes,
    )


def attacked(text: str) -> Report:
    """The same with the text in every place that may hold another's."""
    whole = load()
    return replace(
        whole,
        title=text,
        profile=text,
        headline=text,
        findings=[Finding(text, Level.CRITICAL, text, [text, text], text)],
        stats=[Stat(text, text, text, text)],
        workers=[WorkerGroup([text], text, False, 1.0, 2.0, text)],
        slowest=text,
        errors=[Error(text, text, 1, 1, text, False, [{"place": text, "text": text}])],
        quality=[Quality(text, text, 1, 2, 50.0, 1.0, False)],
        eta=replace(whole.eta, bottleneck=text, text=text),
        groups=[{"name": text, "count": 1}],
        sources=[Seen(text, text, text, [text], [text])],
        next=[text],
    )


def bare(**changes: Any) -> Report:
    """Of which nothing is known."""
    nothing: dict[str, Any] = {
        name: []
        for name in ("findings", "stats", "workers", "errors", "quality", "minutes", "groups", "sources", "next")
    }
    unknown = Eta(None, None, None, None, None, "")
    return load(**nothing | {"slowest": None, "profile": None, "since": None, "eta": unknown} | changes)

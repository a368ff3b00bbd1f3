"""The lines that a worker prints."""

import time

import pytest

from backfill.ledger.tally import Tally
from backfill.workers.stats import Stats


def test_the_rolling_line_has_the_promised_form(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = Stats()
    monkeypatch.setattr(time, "monotonic", lambda: 1001.0)
    tally = Tally(updated=19_985)
    tally.skipped["no inputs"] = 12
    tally.failed = {str(n): ("ValueError", "bad") for n in range(3)}
    stats.add(tally, 1000.0)
    assert stats.line() == "[20,000] Rate: 20,000.0/sec | Updated: 19,985 | Skipped: 12 | Errors: 3"


def test_rare_counts_are_shown_when_there_are_any() -> None:
    stats = Stats()
    stats.add(Tally(updated=1, unchanged=2, deleted=3), time.monotonic())
    stats.put_back, stats.fenced, stats.dead, stats.calls, stats.refused = 4, 5, 6, 1_007, 8
    assert stats.line().endswith(
        "| Updated: 1 | Skipped: 0 | Errors: 0 | Unchanged: 2 | Deleted: 3 | Put back: 4 | Fenced: 5 | Dead: 6 | "
        "Calls: 1,007 | Refused: 8"
    )
    assert stats.records == 6


def test_the_rate_is_that_of_the_last_thirty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = Stats()
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for _ in range(100):
        stats.add(Tally(updated=1_000), now - 1)
        now += 1
    assert stats.rate() == pytest.approx(1_000, rel=0.05)
    now += 29
    assert stats.rate() < 100
    now += 10
    assert stats.rate() == 0


def test_before_the_first_record_every_rate_is_zero() -> None:
    assert Stats().rate() == Stats().overall() == 0
    assert "Processed 0 records" in Stats().summary()

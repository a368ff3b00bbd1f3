"""Times at the beginning of lines."""

from datetime import UTC, datetime

import pytest

from backfill.monitor.logs.stamps import Stamps

WRITTEN = datetime(2026, 11, 26, 15, 0, 30, tzinfo=UTC).timestamp()
AT = datetime(2026, 11, 26, 15, 0, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def stamps() -> Stamps:
    return Stamps("UTC", WRITTEN)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-26T15:00:00Z x",
        "2026-11-26T15:00:00.000Z",
        "2026-11-26T15:00:00.000000+00:00 x",
        "2026-11-26T16:00:00+01:00 x",
        "2026-11-26T09:30:00-05:30 x",
        "2026-11-26 15:00:00,000 INFO x",
        "2026-11-26 15:00:00 x",
        "2026-11-26_15:00:00 x",
        "2026-11-26 17:00:00 +0200 x",
        "2026/11/26 15:00:00 x",
        "2026.11.26 15:00:00 x",
        "[2026-11-26 15:00:00] x",
        "[2026-11-26T15:00:00Z] x",
        "INFO 2026-11-26 15:00:00 x",
        "[worker-9] 2026-11-26 15:00:00 x",
        "[INFO] [main] 2026-11-26 15:00:00 x",
        "worker.2 | 2026-11-26 15:00:00 x",
        "02:56:29 worker.2 | 2026-11-26 15:00:00 x",
        '127.0.0.1 - - [26/Nov/2026:15:00:00 +0000] "GET / HTTP/1.1" 200 5',
        "Nov 26 15:00:00 host program[12]: x",
        "<34>Nov 26 15:00:00 host x",
        "15:00:00 worker.2 | x",
        "15:00:00.000 x",
        "[15:00:00] x",
        "1795705200 x",
        "1795705200.000 x",
        "[1795705200000] x",
        '{"time":"2026-11-26T15:00:00Z","msg":"x"}',
        '{"level":"info","ts":1795705200.0,"msg":"x"}',
        '{"level":"info","timestamp":1795705200000}',
        '{"msg":"x","@timestamp":"2026-11-26T15:00:00.000Z"}',
        '{"asctime": "2026-11-26 15:00:00,000"}',
        "\0\0\0002026-11-26T15:00:00Z x",
    ],
)
def test_a_time_is_read_in_any_common_shape(stamps: Stamps, line: str) -> None:
    assert stamps.of(line.encode()) == AT


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x",
        "Worker 9: came to 2021-05-03 12:00:00",
        "newest row 2021-05-03 12:00:00",
        "2026-13-26 15:00:00",
        "2026-11-26 25:00:00",
        "2026-11-26 15:00:99",
        "0000-00-00 00:00:00",
        "15:00",
        "15:00:00:00 x",
        "Nov 31 15:00:00 host x",
        "12345 rows",
        '{"block":1795705200}',
        "9" * 10_000,
    ],
)
def test_what_is_no_time_of_the_line_is_none(stamps: Stamps, line: str) -> None:
    assert stamps.of(line.encode()) is None


def test_fractions_count(stamps: Stamps) -> None:
    assert stamps.of(b"2026-11-26 15:00:00,250 x") == AT + 0.25
    assert stamps.of(b"1795705200250 x") == AT + 0.25


def test_a_time_without_a_zone_is_of_the_profiles(stamps: Stamps) -> None:
    assert Stamps("Europe/Berlin", WRITTEN).of(b"2026-11-26 16:00:00 x") == AT
    assert (
        Stamps("Europe/Berlin", WRITTEN).of(b"2026-07-26 17:00:00 x")
        == datetime(2026, 7, 26, 15, tzinfo=UTC).timestamp()
    )
    local = datetime.fromtimestamp(AT, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert Stamps(None, WRITTEN).of(local.encode()) == AT


def test_a_time_without_a_year_or_a_day_is_the_last_one_before_the_file_was_written(stamps: Stamps) -> None:
    assert stamps.of(b"Dec 31 23:59:59 host x") == datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert stamps.of(b"Feb 29 12:00:00 host x") == datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp()
    assert stamps.of(b"23:59:59 x") == datetime(2026, 11, 25, 23, 59, 59, tzinfo=UTC).timestamp()
    assert stamps.of(b"15:02:00 x") == AT + 120  # another machine's clock, a little ahead
    early = Stamps("UTC", datetime(2026, 1, 1, 0, 1, tzinfo=UTC).timestamp())
    assert early.of(b"Dec 31 23:59:00 x") == datetime(2025, 12, 31, 23, 59, tzinfo=UTC).timestamp()
    assert early.of(b"23:59:00 x") == datetime(2025, 12, 31, 23, 59, tzinfo=UTC).timestamp()


def test_a_zone_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no time zone 'Mars/Base'; write one such as"):
        Stamps("Mars/Base", WRITTEN)

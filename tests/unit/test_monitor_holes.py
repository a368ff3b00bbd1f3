"""Logs with more in them than a look has time for: holes, long zeros, and much that is new."""

import gzip
import os
import time
from pathlib import Path

import pytest

from backfill.monitor.logs import gzipped, ranges
from tests.support.logs import AT, looked, problems, stamp, write

HOLE = 60 * 10**9


@pytest.fixture
def with_hole(tmp_path: Path) -> Path:
    """A log that was emptied under its writer, who writes on where it was."""
    path = tmp_path / "load.log"
    write(path, f"{stamp(0)} Worker 1: 5%", f"{stamp(1)} ERROR x")
    os.truncate(path, HOLE)
    with path.open("a") as file:
        file.write(f"\n{stamp(60)} Worker 1: 6%\n{stamp(61)} ERROR y\n")
    os.utime(path, (AT + 61, AT + 61))
    return path


async def test_a_hole_takes_no_time(tmp_path: Path, with_hole: Path) -> None:
    began = time.monotonic()
    reading, _ = await looked(tmp_path, now=AT + 62)
    assert reading.is_whole
    assert (reading.workers[0].percent, reading.happened["error"].total) == (6, 2)
    assert time.monotonic() - began < 10


async def test_what_stands_behind_a_hole_is_known_at_once(tmp_path: Path, with_hole: Path, monkeypatch) -> None:
    monkeypatch.setattr(ranges, "CHUNK", 32)
    reading, _ = await looked(tmp_path, now=AT + 62, read_seconds=0)
    assert not reading.is_whole
    assert reading.newest_at == AT + 61


async def test_zeros_without_end_that_gzip_packed_do_not_take_longer_than_there_is_time(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(ranges, "MOST_OF_NO_LINE", 2**20)
    (tmp_path / "load.log.gz").write_bytes(gzip.compress(b"Worker 1: 5%\n") + gzip.compress(bytes(2**24)) * 40)
    began = time.monotonic()
    reading, kept = await looked(tmp_path, "load.log.gz", read_seconds=0.1)
    assert not reading.is_whole
    assert time.monotonic() - began < 1
    monkeypatch.setattr(gzipped, "MOST_SKIPPED", 8)
    reading, _ = await looked(tmp_path, "load.log.gz", read_seconds=0, remembered=kept)
    assert "unpacks to more than can be read in the time there is; unpack it first" in problems(reading)[0]


@pytest.mark.parametrize("first", [60.0, 0.0])
async def test_what_a_log_has_grown_by_is_known_at_its_end_first(tmp_path: Path, monkeypatch, first: float) -> None:
    monkeypatch.setattr(ranges, "MUCH", 2)
    line = f"{stamp(0)} INFO fetched a range in 12 ms"
    much = [line] * (6 * ranges.TAIL // len(line))
    write(tmp_path / "load.log", f"{stamp(0)} Worker 1: 1%", *much, f"{stamp(10)} Worker 2: 2%")
    _, kept = await looked(tmp_path, read_seconds=first)
    with (tmp_path / "load.log").open("a") as file:
        file.write("\n".join([f"{stamp(20)} Worker 3: 3%", *much, f"{stamp(30)} Worker 4: 4%\n"]))
    reading, kept = await looked(tmp_path, remembered=kept, read_seconds=0)
    assert not reading.is_whole
    assert reading.workers[-1].name == "4"
    reading, _ = await looked(tmp_path, remembered=kept)
    assert reading.is_whole
    assert [worker.name for worker in reading.workers] == ["1", "2", "3", "4"]

"""Logs that are rotated before they were read: what is left of them is read on, and what is lost is said."""

import gzip
import os
from pathlib import Path

import pytest

from backfill.monitor.logs import ranges
from backfill.monitor.readings import Reading, Remembered
from tests.support.logs import looked
from tests.unit.test_monitor_rotation import append, is_all_there, lines, pack

MANY = 400


@pytest.fixture
def log(tmp_path: Path, monkeypatch) -> Path:
    """A log whose middle a look without time leaves out."""
    monkeypatch.setattr(ranges, "CHUNK", 1_024)
    monkeypatch.setattr(ranges.Ranges.read, "__defaults__", (1_024,))
    monkeypatch.setattr(ranges.places, "FAR_CELL", 64)
    path = tmp_path / "load.log"
    path.write_text(lines(0, 100) * (MANY // 100))
    return path


async def to_its_end(folder: Path, reading: Reading, kept: Remembered) -> tuple[Reading, list[Reading]]:
    seen = []
    for _ in range(200):
        seen.append(reading)
        if reading.is_whole:
            return reading, seen
        reading, kept = await looked(folder, remembered=kept, read_seconds=0)
    raise AssertionError("it is never whole")


@pytest.mark.parametrize("how", ["renamed", "packed"])
async def test_a_log_that_was_rotated_before_it_was_read_is_read_on(tmp_path: Path, log: Path, how: str) -> None:
    first, kept = await looked(tmp_path, read_seconds=0)
    assert not first.is_whole
    if how == "renamed":
        os.rename(log, tmp_path / "load.log.1")
    else:
        pack(log, tmp_path / "load.log.1.gz")
    append(log, lines(0, 5))
    reading, kept = await looked(tmp_path, remembered=kept, read_seconds=0)
    assert not reading.is_whole
    assert reading.notes[0].startswith("rotated: the file before it, load.log.1")
    assert "whole" not in reading.seen
    reading, seen = await to_its_end(tmp_path, reading, kept)
    assert reading.happened["error"].total == MANY + 5
    assert len(seen) > 1


async def test_a_log_that_is_rotated_again_while_the_one_before_is_read_on(tmp_path: Path, log: Path) -> None:
    _, kept = await looked(tmp_path, read_seconds=0)
    os.rename(log, tmp_path / "load.log.1")
    append(log, lines(0, 5))
    _, kept = await looked(tmp_path, remembered=kept, read_seconds=0)
    os.rename(tmp_path / "load.log.1", tmp_path / "load.log.2")
    os.rename(log, tmp_path / "load.log.1")
    append(log, lines(5, 9))
    reading, kept = await looked(tmp_path, remembered=kept, read_seconds=0)
    reading, _ = await to_its_end(tmp_path, reading, kept)
    assert reading.happened["error"].total == MANY + 9
    assert reading.workers[0].percent == 8


async def test_what_was_gone_before_it_was_read_is_said_for_ever(tmp_path: Path, log: Path) -> None:
    _, kept = await looked(tmp_path, read_seconds=0)
    (tmp_path / "new").write_text(lines(0, 5))
    os.replace(tmp_path / "new", log)
    for _ in range(3):
        reading, kept = await looked(tmp_path, remembered=kept)
        assert not reading.is_whole
        assert any("bytes before it were gone before they were read" in note for note in reading.notes)
    assert 5 < reading.happened["error"].total < MANY


@pytest.mark.parametrize("is_packed", [False, True])
async def test_a_log_that_was_rotated_twice_between_two_looks(tmp_path: Path, is_packed: bool) -> None:
    log = tmp_path / "load.log"
    log.write_text(lines(0, 10))
    # Of before, and packed only now; and something else.
    (tmp_path / "load.log.3.gz").write_bytes(gzip.compress(b"2026-11-25T00:00:00Z ERROR old\n"))
    (tmp_path / "load-errors.log").write_text(lines(0, 9))
    _, kept = await looked(tmp_path)
    os.rename(log, tmp_path / "load.log.2")
    append(log, lines(10, 20))
    for name in ("load.log.3.gz", "load-errors.log"):
        (tmp_path / name).touch()
    if is_packed:
        pack(log, tmp_path / "load.log.1.gz")
    else:
        os.rename(log, tmp_path / "load.log.1")
    append(log, lines(20, 30))
    reading, kept = await looked(tmp_path, remembered=kept)
    is_all_there(reading, 29)
    reading, _ = await looked(tmp_path, remembered=kept)
    is_all_there(reading, 29)

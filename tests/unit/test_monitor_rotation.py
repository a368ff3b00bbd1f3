"""Logs that are rotated between looks, and under them."""

import gzip
import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from backfill.monitor.logs import looking
from backfill.monitor.readings import Reading
from tests.support.logs import AT, looked, stamp, write


def lines(begin: int, end: int) -> str:
    return "".join(f"{stamp(step)} Worker 1: {step}% and ERROR {step}\n" for step in range(begin, end))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "load.log"
    path.write_text(lines(0, 20))
    return path


def pack(path: Path, packed: Path) -> None:
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def is_all_there(reading: Reading, last: int) -> None:
    assert reading.problems == []
    assert reading.happened["error"].total == last + 1
    assert reading.workers[0].percent == last
    assert (reading.workers[0].restarts, reading.workers[0].backwards) == (0, 0)
    assert reading.workers[0].points[0].value == 0


async def test_a_log_that_grows_is_read_on(tmp_path: Path, log: Path) -> None:
    _, kept = await looked(tmp_path)
    append(log, lines(20, 30))
    reading, _ = await looked(tmp_path, remembered=kept)
    is_all_there(reading, 29)
    assert reading.happened["error"].examples[-1].place == "load.log:30"
    assert reading.notes == []


async def test_the_rest_of_a_log_that_was_renamed_is_read_under_its_new_name(tmp_path: Path, log: Path) -> None:
    _, kept = await looked(tmp_path)
    append(log, lines(20, 30))
    os.rename(log, tmp_path / "load.log.1")
    write(log, *lines(30, 40).splitlines())
    reading, kept = await looked(tmp_path, remembered=kept)
    is_all_there(reading, 39)
    assert reading.notes[0] == "rotated: the rest of the file before it was read from load.log.1"
    reading, _ = await looked(tmp_path, remembered=kept)
    is_all_there(reading, 39)
    assert not any("rotated" in note for note in reading.notes)


async def test_the_rest_of_a_log_that_was_copied_and_emptied_is_read_from_the_copy(tmp_path: Path, log: Path) -> None:
    _, kept = await looked(tmp_path)
    append(log, lines(20, 30))
    shutil.copy(log, tmp_path / "load.log.1")
    os.truncate(log, 0)
    append(log, lines(30, 40))
    os.utime(log, (AT + 99, AT + 99))
    reading, _ = await looked(tmp_path, remembered=kept)
    is_all_there(reading, 39)
    assert "load.log.1" in reading.notes[0]


async def test_the_rest_of_a_log_that_was_packed_is_unpacked(tmp_path: Path, log: Path) -> None:
    _, kept = await looked(tmp_path)
    append(log, lines(20, 30))
    pack(log, tmp_path / "load.log.1.gz")
    write(log, *lines(30, 40).splitlines())
    reading, _ = await looked(tmp_path, remembered=kept)
    is_all_there(reading, 39)
    assert "load.log.1.gz" in reading.notes[0]


async def test_a_log_whose_file_is_gone_goes_on_with_what_was_read_of_it(tmp_path: Path, log: Path) -> None:
    _, kept = await looked(tmp_path)
    write(tmp_path / "new", *lines(20, 40).splitlines())
    os.replace(tmp_path / "new", log)
    reading, _ = await looked(tmp_path, remembered=kept)
    is_all_there(reading, 39)
    assert reading.notes[0] == "rotated: the file before it is gone; what was read of that counts"


async def test_a_log_that_is_written_anew_in_its_place_is_another_although_it_begins_alike(tmp_path: Path) -> None:
    log, head = tmp_path / "load.log", "settings\n" * 500
    log.write_text(head + "".join(f"{stamp(step)} Worker 1: {step + 50}%\n" for step in range(20)))
    _, kept = await looked(tmp_path)
    log.write_text(head + lines(0, 90))
    reading, _ = await looked(tmp_path, remembered=kept)
    assert reading.happened["error"].total == 90
    assert reading.notes[0].startswith("emptied, or written anew: what was read of it before counts too")
    since = datetime.fromisoformat(reading.notes[0].split()[-1]).timestamp()
    assert since == AT + 20


async def test_another_file_beside_it_is_not_taken_for_the_one_that_was_read(tmp_path: Path, log: Path) -> None:
    _, kept = await looked(tmp_path)
    os.unlink(log)
    (tmp_path / "load.log.1").write_text(lines(50, 90))
    write(log, *lines(20, 40).splitlines())
    reading, _ = await looked(tmp_path, remembered=kept)
    is_all_there(reading, 39)


@pytest.mark.parametrize("how", ["renamed", "emptied"])
async def test_a_log_that_is_rotated_while_it_is_read(tmp_path: Path, log: Path, monkeypatch, how: str) -> None:
    read = looking.Look._read
    turns = iter(range(10))

    def rotate(self, file, kept, followed):
        found = read(self, file, kept, followed)
        if next(turns) == 0:
            append(log, lines(20, 30))
            if how == "renamed":
                os.rename(log, tmp_path / "load.log.1")
            else:
                shutil.copy(log, tmp_path / "load.log.1")
                os.truncate(log, 0)
            append(log, lines(30, 40))
        return found

    monkeypatch.setattr(looking.Look, "_read", rotate)
    reading, _ = await looked(tmp_path)
    is_all_there(reading, 39)


async def test_two_logs_that_are_the_newest_in_turn_are_each_read_on(tmp_path: Path, log: Path) -> None:
    other = tmp_path / "other.log"
    _, kept = await looked(tmp_path, "*.log")
    write(other, "x", at=AT + 10**8)
    _, kept = await looked(tmp_path, "*.log", remembered=kept)
    os.utime(other, (AT, AT))
    append(log, lines(20, 30))
    reading, _ = await looked(tmp_path, "*.log", remembered=kept)
    is_all_there(reading, 29)
    assert reading.notes == []


async def test_every_file_of_a_rotated_log_is_counted_once(tmp_path: Path, log: Path) -> None:
    os.utime(log, (AT, AT))
    _, kept = await looked(tmp_path, "load.log*", all=True)
    os.rename(log, tmp_path / "load.log.1")
    write(log, *lines(20, 40).splitlines())
    reading, _ = await looked(tmp_path, "load.log*", all=True, remembered=kept)
    is_all_there(reading, 39)

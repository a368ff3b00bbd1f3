"""Which files a glob means, and that each of them is read once."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from backfill.monitor.logs import finding, looking
from tests.support.logs import AT, looked, problems, stamp, write


def found(folder: Path, pattern: str) -> list[str]:
    return [os.path.relpath(one, folder) for one in finding.found(pattern, folder, lambda: False)]


def test_two_stars_go_through_folders_and_never_round_in_circles(tmp_path: Path) -> None:
    for name in ("d/e/x.log", "d/y.log", "d/.git/z.log", "x.log", "d/e/.w.log", "d/e/xlog"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("a", "b"):
        (tmp_path / "d" / name).symlink_to(tmp_path / "d")
    assert found(tmp_path, "d/**/*.log") == ["d/e/x.log", "d/y.log"]
    assert found(tmp_path, "**/[xy].log") == ["d/e/x.log", "d/y.log", "x.log"]
    assert found(tmp_path, "**/[!x].log") == ["d/y.log"]
    assert found(tmp_path, "**/e/**") == ["d/e/x.log", "d/e/xlog"]
    assert found(tmp_path, "n*/**/*.log") == []


async def test_more_files_than_can_be_gone_through_are_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(finding, "MOST_ENTRIES", 3)
    for number in range(5):
        (tmp_path / f"{number}.txt").touch()
    reading, _ = await looked(tmp_path, "**/*.log")
    assert problems(reading) == ["cannot be read: **/*.log leads through more than 5 files and folders; name fewer"]


@pytest.mark.parametrize("name", ["a[1].log", "what?.log", "a*.log"])
async def test_a_name_that_looks_like_a_glob_is_a_name_where_it_is_there(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "Worker 1: 5%")
    reading, _ = await looked(tmp_path, name)
    assert reading.workers[0].percent == 5


async def test_a_log_with_a_link_beside_it_is_counted_once(tmp_path: Path) -> None:
    write(tmp_path / "load-1.log", "HTTP 503", "HTTP 503")
    (tmp_path / "current.log").symlink_to("load-1.log")
    os.link(tmp_path / "load-1.log", tmp_path / "again.log")
    reading, _ = await looked(tmp_path, "*.log", all=True)
    assert reading.happened["http_503"].total == 2
    assert reading.seen == "18 bytes, whole in 1 file"


async def test_a_folder_is_told_from_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    reading, _ = await looked(tmp_path, "logs")
    assert problems(reading) == ["cannot be read: logs is a folder; name a file in it, such as 'logs/*.log'"]


async def test_that_one_of_several_logs_is_read_is_said_where_they_grow_together(tmp_path: Path) -> None:
    for number, at in ((1, 0), (2, 100), (3, 130)):
        write(tmp_path / f"{number}.log", "x", at=AT + at)
    note = "the newest of 2 files that grow together is read; all = true reads every one"
    assert note in (await looked(tmp_path, "*.log"))[0].notes
    assert not any("newest of" in note for note in (await looked(tmp_path, "*.log", all=True))[0].notes)


async def test_less_is_remembered_of_each_of_many_files(tmp_path: Path, monkeypatch) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.log", *(f"{stamp(60 * step)} Worker 1: {step}%" for step in range(60)))
    _, kept = await looked(tmp_path, "*.log", all=True)
    monkeypatch.setattr(looking, "FEWER", ((2, 4),))
    reading, less = await looked(tmp_path, "*.log", all=True)
    assert len(json.dumps(less)) < len(json.dumps(kept)) / 1.5
    assert all(len(worker.points) <= 7 for worker in reading.workers)
    assert reading.workers[0].percent == 59


@pytest.mark.parametrize("data", [None, b"", bytes(range(32)) * 100])
async def test_what_could_not_be_read_is_not_called_whole(tmp_path: Path, monkeypatch, data: bytes | None) -> None:
    write(tmp_path / "load.log", "x")
    if data is None:
        monkeypatch.setattr(looking.Look, "file", refused)
    else:
        (tmp_path / "load.log").write_bytes(data)
    reading, _ = await looked(tmp_path)
    assert (reading.seen, len(reading.problems)) == ("", 1)
    assert reading.is_whole == (data == b"")


def refused(*_: Any) -> None:
    raise PermissionError

"""One log of any kind, read by one look: what is told, and what is said of what could not be read."""

import io
import os
from pathlib import Path
from typing import Any

import pytest

from backfill.monitor.readings import Measure
from backfill.monitor.sources import logs
from tests.support.logs import AT, looked, problems, stamp, write


async def test_what_a_log_tells(tmp_path: Path) -> None:
    lines = [
        f"{stamp(60 * step)} Worker {worker}: {step * (10 - worker)}.5% complete"
        for step in range(10)
        for worker in range(3)
    ]
    write(tmp_path / "load.log", *lines, f"{stamp(600)} ERROR HTTP 503", f"{stamp(601)} FATAL out of memory")
    reading, _ = await looked(tmp_path)
    assert reading.problems == []
    assert [(worker.name, worker.percent) for worker in reading.workers] == [("0", 90.5), ("1", 81.5), ("2", 72.5)]
    assert reading.workers[2].last_at == AT + 540
    assert [(point.at, point.value) for point in reading.workers[2].points[-2:]] == [(AT + 480, 64.5), (AT + 540, 72.5)]
    assert reading.happened["http_503"].total == 1
    assert reading.happened["http_503"].minutes == {int(AT + 600) // 60: 1}
    assert reading.happened["fatal"].examples[0].place == "load.log:32"
    assert reading.newest_at == AT + 601
    assert reading.last_fatal_is_newest
    assert reading.is_whole


async def test_our_own_workers_lines_are_rows(tmp_path: Path) -> None:
    write(
        tmp_path / "load.log",
        "11:00:01 worker.1 | [10,000] Rate: 7,038.6/sec | Updated: 9,991 | Skipped: 9 | Errors: 0",
        "11:00:02 worker.2 | [5,000] Rate: 7,038.6/sec | Updated: 9,991 | Skipped: 9 | Errors: 7",
        "11:00:03 worker.1 | [0] Rate: 0.0/sec | Updated: 0 | Skipped: 0 | Errors: 0",
        "11:00:04 worker.1 | [2,000] Rate: 7,038.6/sec | Updated: 9,991 | Skipped: 9 | Errors: 0",
        "11:00:09 worker.2 | Processed 6,000 records in 1.0 s (7,000.0/sec) | Updated: 6,000 | Skipped: 0 | Errors: 0",
    )
    reading, _ = await looked(tmp_path)
    assert reading.measures == {Measure.ROWS: 18_000}
    assert [(one.name, one.position, one.restarts, one.is_finished) for one in reading.workers] == [
        ("worker.1", 2_000, 1, False),
        ("worker.2", 6_000, 0, True),
    ]
    assert reading.newest_at == AT - 3_600 + 9
    assert reading.happened == {}


async def test_what_is_done_of_the_whole_is_measured(tmp_path: Path) -> None:
    write(
        tmp_path / "load.log",
        f"{stamp(0)} Processed 0 of 5,000 rows",
        f"{stamp(30)} Processed 1,000 of 5,000 rows",
        f"{stamp(150)} Processed 3,000 of 5,000 rows",
        f"{stamp(160)} Backfill complete: 5,000/5,000 rows",
    )
    reading, _ = await looked(tmp_path)
    assert reading.measures == {Measure.ROWS: 5_000, Measure.ROWS_TOTAL: 5_000}
    assert list(reading.minutes.values()) == [1_500, 1_000, 2_500]
    assert reading.happened["finished"].total == 1
    assert reading.workers == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "load.log is empty"),
        ("Worker 1: 5%\n".encode("utf-16"), "UTF-16"),
        ("Worker 1: 5% and some more\n".encode("utf-16-le"), "UTF-16"),
        (b"\x7fELF" + bytes(range(256)) * 10, "binary"),
        (b"\xfd7zXZ\x00" + b"x" * 100, "xzcat load.log"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 100, "zstdcat"),
    ],
)
async def test_what_has_no_lines_is_named(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "load.log").write_bytes(data)
    reading, _ = await looked(tmp_path)
    assert len(reading.problems) == 1
    assert (
        why.replace("load.log", str(tmp_path / "load.log") if "cat" in why else "load.log") in reading.problems[0].text
    )
    assert reading.workers == []


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    reading, _ = await looked(tmp_path, "logs/*.log")
    assert problems(reading) == ["cannot be read: there is no file logs/*.log; name the log of the program"]


async def test_a_file_that_vanishes_between_being_found_and_opened_is_named(tmp_path: Path, monkeypatch) -> None:
    write(tmp_path / "load.log", "x")
    found = logs._Source._found

    def vanish(self: logs._Source) -> list[str]:
        paths = found(self)
        (tmp_path / "load.log").unlink()
        return paths

    monkeypatch.setattr(logs._Source, "_found", vanish)
    reading, _ = await looked(tmp_path)
    assert problems(reading) == ["load.log: cannot be read: No such file or directory"]


async def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch) -> None:
    write(tmp_path / "load.log", "x")

    def refuse(*args: Any, **kwargs: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # this may be root, who may read everything
    reading, _ = await looked(tmp_path)
    monkeypatch.undo()
    assert "permission denied; run it as a user" in problems(reading)[0]


async def test_a_pipe_is_not_opened(tmp_path: Path, monkeypatch) -> None:
    os.mkfifo(tmp_path / "load.log")

    def refuse(path: Any, *args: Any) -> int:
        raise AssertionError(f"{path} is opened, and left, which ends its writer")

    monkeypatch.setattr(os, "open", refuse)
    reading, _ = await looked(tmp_path)
    assert "is a pipe; read it with: backfill monitor --log - <" in problems(reading)[0]


async def test_a_line_of_ten_megabytes_is_cut_and_the_others_are_read(tmp_path: Path) -> None:
    long = "x" * 10_000_000
    write(tmp_path / "load.log", "Worker 1: 5%", f"Worker 2: 6% {long} FATAL", "Worker 3: 7%")
    reading, _ = await looked(tmp_path)
    assert [(worker.name, worker.percent) for worker in reading.workers] == [("1", 5), ("2", 6), ("3", 7)]
    assert "1 line longer than 1 MiB; the rest of each was left out" in reading.notes
    assert reading.happened == {}


async def test_the_hole_of_a_log_that_was_emptied_under_its_writer_is_no_binary(tmp_path: Path) -> None:
    with (tmp_path / "load.log").open("wb") as file:
        file.seek(3_000_000)
        file.write(b"Worker 1: 5%\nWorker 2: 6%\n")
    reading, _ = await looked(tmp_path)
    assert problems(reading) == []
    assert [(worker.name, worker.percent) for worker in reading.workers] == [("1", 5), ("2", 6)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_lines_end_as_they_like(tmp_path: Path, end: str) -> None:
    write(tmp_path / "load.log", "Worker 1: 5%", "Worker 1: 6%", "FATAL", end=end)
    reading, _ = await looked(tmp_path, now=AT + 4_000)
    assert reading.workers[0].percent == 6
    assert reading.happened["fatal"].examples[0].place == ("load.log:1" if end == "\r" else "load.log:3")
    assert reading.happened["fatal"].examples[0].text == "FATAL"


async def test_colours_are_no_part_of_a_line(tmp_path: Path) -> None:
    write(
        tmp_path / "load.log",
        "a",
        "\x1b[2K\x1b[1mWorker\x1b[0m 1: 61\x1b[32m.2\x1b[0m%",
        "\x1b[31mERROR\x1b[0m: \x1b]0;t\x07no",
    )
    reading, _ = await looked(tmp_path)
    assert reading.workers[0].percent == 61.2
    assert [(line.place, line.text) for line in reading.happened["error"].examples] == [("load.log:3", "ERROR: no")]


async def test_a_password_in_a_line_is_not_told(tmp_path: Path) -> None:
    write(tmp_path / "load.log", "ERROR cannot reach postgres://app:hunter2@db/x")
    reading, _ = await looked(tmp_path)
    assert reading.happened["error"].examples[0].text == "ERROR cannot reach postgres://app:***@db/x"


async def test_half_a_last_line_counts_when_nothing_was_written_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "load.log"
    path.write_text("Worker 1: block 500\nWorker 1: block 51")
    os.utime(path, (AT, AT))
    early, kept = await looked(tmp_path, now=AT + 1)
    assert early.workers[0].position == 500
    with path.open("a") as file:
        file.write("2")
    os.utime(path, (AT, AT))
    late, kept = await looked(tmp_path, remembered=kept, now=AT + 60)
    assert late.workers[0].position == 512
    with path.open("a") as file:
        file.write("0\nWorker 1: block 5121\n")
    last, _ = await looked(tmp_path, remembered=kept, now=AT + 61)
    assert last.workers[0].position == 5_121
    assert last.workers[0].backwards == 0


async def test_workers_that_begin_again_and_numbers_that_fall(tmp_path: Path) -> None:
    write(tmp_path / "load.log", *(f"Worker 1: {percent}%" for percent in (10, 50, 0, 30, 25, 40)))
    reading, _ = await looked(tmp_path)
    assert (reading.workers[0].restarts, reading.workers[0].backwards) == (1, 1)


async def test_shares_of_one_are_percent_when_all_are(tmp_path: Path) -> None:
    write(tmp_path / "a.log", '{"worker":1,"progress":0.25}', '{"worker":2,"progress":1.0}')
    write(tmp_path / "b.log", '{"worker":1,"progress":0.25}', '{"worker":2,"progress":61}')
    assert [worker.percent for worker in (await looked(tmp_path, "a.log"))[0].workers] == [25, 100]
    assert [worker.percent for worker in (await looked(tmp_path, "b.log"))[0].workers] == [0.25, 61]


async def test_a_clock_that_is_set_back_is_told_and_one_that_is_put_back_every_year_is_not(tmp_path: Path) -> None:
    write(tmp_path / "load.log", f"{stamp(0)} a", f"{stamp(3_000)} b", f"{stamp(600)} c")
    reading, _ = await looked(tmp_path)
    assert reading.clock_jumps == [
        "the time falls back by 40 min 00 s, from 2026-11-26 12:50:00+00:00 to 2026-11-26 12:10:00+00:00"
    ]
    assert "nothing was written for 50 min 00 s" in reading.notes[0]
    write(tmp_path / "load.log", "2026-10-25 02:59:59 a", "2026-10-25 02:00:00 b")
    reading, _ = await looked(tmp_path, profile={"timezone": "Europe/Berlin"})
    assert reading.clock_jumps == []
    assert "put back" in reading.notes[0]
    write(tmp_path / "load.log", f"{stamp(9_000)} a")
    reading, _ = await looked(tmp_path)
    assert "1 h 30 min ahead of this machine's clock" in reading.clock_jumps[0]


async def test_times_without_a_date_are_of_the_day_that_they_must_be_of(tmp_path: Path) -> None:
    lines = [f"{hour % 24:02d}:30:00 worker.1 | Worker 1: {hour}% ERROR {hour}" for hour in range(3, 3 + 72, 4)]
    write(tmp_path / "load.log", *lines, at=AT - 12 * 3_600 + 3_600)  # 01:00, and the last line is of 23:30
    reading, _ = await looked(tmp_path, now=AT - 11 * 3_600)
    midnight = AT - 12 * 3_600
    assert [point.at for point in reading.workers[0].points] == [
        midnight + (hour - 72) * 3_600 + 1_800 for hour in range(3, 3 + 72, 4)
    ]
    assert max(reading.happened["error"].minutes.values()) == 1
    assert reading.clock_jumps == []
    front, kept = await looked(tmp_path, now=AT - 11 * 3_600)
    assert (await looked(tmp_path, now=AT - 11 * 3_600, remembered=kept))[0] == front


async def test_lines_without_times_are_as_old_as_the_file(tmp_path: Path) -> None:
    write(tmp_path / "load.log", "Worker 1: 5%", at=AT)
    reading, kept = await looked(tmp_path)
    assert reading.newest_at == AT
    assert [(point.at, point.value) for point in reading.workers[0].points] == [(AT, 5)]
    with (tmp_path / "load.log").open("a") as file:
        file.write("Worker 1: 7%\n")
    os.utime(tmp_path / "load.log", (AT + 60, AT + 60))
    reading, _ = await looked(tmp_path, remembered=kept)
    assert [(point.at, point.value) for point in reading.workers[0].points] == [(AT, 5), (AT + 60, 7)]


async def test_when_a_log_was_written_last_is_told_beside_what_its_lines_say(tmp_path: Path) -> None:
    write(tmp_path / "a.log", f"{stamp(0)} Worker 1: 5%", at=AT + 50)
    write(tmp_path / "b.log", f"{stamp(0)} Worker 1: 5%", at=AT + 20)
    for every in (False, True):
        reading, _ = await looked(tmp_path, "*.log", all=every)
        assert (reading.newest_at, reading.written_at) == (AT, AT + 50)
    reading, _ = await looked(tmp_path, "-", stdin=io.BytesIO(b"x\n"))
    assert reading.written_at is None

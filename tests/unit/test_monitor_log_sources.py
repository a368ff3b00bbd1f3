"""Several logs, standard input, and what one look remembers for the next."""

import asyncio
import gzip
import io
import os
import time
from pathlib import Path

import pytest

from backfill.monitor.logs import streamed
from backfill.monitor.profile import LogSource, Profile
from backfill.monitor.readings import Measure, Remembered
from backfill.monitor.sources import logs
from tests.support.logs import AT, looked, problems, stamp, write


async def test_the_newest_file_of_a_glob_is_read_or_all(tmp_path: Path) -> None:
    write(tmp_path / "worker-1.log", f"{stamp(1)} Worker 1: 5%", "FATAL", at=AT)
    write(tmp_path / "worker-2.log", f"{stamp(2)} progress: 7%", f"{stamp(3)} ERROR no", at=AT + 1)
    one, kept = await looked(tmp_path, "*.log")
    assert [(worker.name, worker.percent) for worker in one.workers] == [("worker-2", 7)]
    every, kept = await looked(tmp_path, "*.log", all=True)
    assert [(worker.name, worker.percent) for worker in every.workers] == [("1", 5), ("worker-2", 7)]
    assert set(every.happened) == {"fatal", "error"}
    again, _ = await looked(tmp_path, "*.log", all=True, remembered=kept)
    assert again == every
    assert every.seen.endswith("in 2 files")


async def test_rows_are_what_is_told_by_minute_where_files_are_counted_too(tmp_path: Path) -> None:
    steps = [
        (f"{stamp(60 * step)} {100 * step} of 1000 rows", f"{stamp(60 * step)} {step} of 10 files") for step in range(9)
    ]
    write(tmp_path / "load.log", *(line for step in steps for line in step))
    reading, _ = await looked(tmp_path)
    assert (reading.measures[Measure.ROWS], reading.measures[Measure.FILES]) == (800, 8)
    assert [point.value for point in reading.points] == [100.0 * step for step in range(9)]
    assert sum(reading.minutes.values()) == 800


async def test_what_several_logs_have_done_of_their_shares_adds_up(tmp_path: Path) -> None:
    def shares(name: str, steps: range, all: int = 1_000) -> None:
        lines = [f"{stamp(60 * step)} processed {100 * step} of {all} files" for step in steps]
        write(tmp_path / name, *lines, at=AT + 60 * steps[-1])

    shares("a.log", range(1, 7))
    shares("b.log", range(2, 9))
    reading, _ = await looked(tmp_path, "*.log", all=True)
    assert reading.measures == {Measure.FILES: 1_400, Measure.FILES_TOTAL: 2_000}
    assert sum(reading.minutes.values()) == 500 + 600
    shares("c.log", range(8, 10))  # it goes on where another ended
    reading, _ = await looked(tmp_path, "[bc].log", all=True)
    assert reading.measures == {Measure.FILES: 900, Measure.FILES_TOTAL: 1_000}
    assert sum(reading.minutes.values()) == 600 + 100
    assert reading.points[-1].value == 900


async def test_workers_of_several_logs_that_are_called_alike_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "a.log", f"{stamp(1)} Worker 1: 5%", f"{stamp(100)} Worker 1: 6%", at=AT)
    write(tmp_path / "b.log", f"{stamp(50)} Worker 1: 50%", at=AT + 1)
    write(tmp_path / "c.log", f"{stamp(200)} Worker 1: 7%", at=AT + 2)
    reading, _ = await looked(tmp_path, "*.log", all=True)
    assert [(worker.name, worker.percent) for worker in reading.workers] == [("1", 7), ("b.log/1", 50)]
    assert len(reading.workers[0].points) == 3


async def test_a_log_that_gzip_packed_is_read_on_from_where_a_look_ended(tmp_path: Path) -> None:
    lines = [f"{stamp(step)} Worker 1: {step / 100}%" for step in range(9_000)]
    text = "\n".join(lines).encode()
    (tmp_path / "load.log.gz").write_bytes(gzip.compress(text[:100_000]) + gzip.compress(text[100_000:]))
    whole, _ = await looked(tmp_path, "*.gz")
    assert whole.workers[0].percent == 89.99
    kept: Remembered = {}
    for _ in range(20):
        reading, kept = await looked(tmp_path, "*.gz", remembered=kept, read_seconds=0)
        if reading.is_whole:
            break
    assert reading.workers == whole.workers
    (tmp_path / "load.log.gz").write_bytes(gzip.compress(text)[:-20])
    broken, _ = await looked(tmp_path, "*.gz")
    assert "ends in the middle of what gzip packed" in problems(broken)[0]
    assert broken.workers[0].percent > 80
    (tmp_path / "load.log.gz").write_bytes(b"\x1f\x8b" + b"nonsense" * 10)
    assert "is damaged" in problems((await looked(tmp_path, "*.gz"))[0])[0]


async def test_only_what_is_not_older_counts(tmp_path: Path) -> None:
    lines = [f"{stamp(step)} Worker 1: {step / 1000}%{' ERROR' if step % 10 == 0 else ''}" for step in range(20_000)]
    write(tmp_path / "load.log", *lines, at=AT + 20_000)
    (tmp_path / "load.log.gz").write_bytes(gzip.compress((tmp_path / "load.log").read_bytes()))
    for path in ("load.log", "load.log.gz"):
        reading, _ = await looked(tmp_path, path, now=AT + 20_000, since=AT + 15_000)
        assert reading.happened["error"].total == 500
        assert reading.workers[0].points[0].at == AT + 15_000
        assert path.endswith("gz") or reading.seen in {f"{size} KB, whole" for size in range(200, 300)}, reading.seen


async def test_a_large_log_is_known_at_its_end_first(tmp_path: Path) -> None:
    lines = [f"{stamp(step)} INFO fetched range {step} in 12 ms" for step in range(200_000)]
    lines = [*lines[:100_000], f"{stamp(100_000)} Worker 1: 1%", *lines[100_000:], f"{stamp(200_000)} Worker 2: 99%"]
    write(tmp_path / "load.log", *lines, at=AT + 200_000)
    first, kept = await looked(tmp_path, now=AT + 200_000, read_seconds=0)
    assert [worker.name for worker in first.workers] == ["2"]
    assert not first.is_whole
    looks = 1
    while not first.is_whole:
        first, kept = await looked(tmp_path, now=AT + 200_000, read_seconds=0.001, remembered=kept)
        looks += 1
    assert [worker.name for worker in first.workers] == ["1", "2"]
    assert looks > 1


async def test_a_number_that_cannot_be_is_no_memory(tmp_path: Path) -> None:
    write(tmp_path / "load.log", "Worker 1: 5%")
    _, kept = await looked(tmp_path)
    (one,) = kept["files"].values()
    one["ranges"]["front_end"] = -50
    reading, _ = await looked(tmp_path, remembered=kept)
    assert reading.problems == []
    assert reading.workers[0].percent == 5


@pytest.mark.parametrize("kept", [{"files": {"load.log": {"version": 1}}}, {"files": 7}, {"x": 1}])
async def test_what_was_remembered_and_is_damaged_is_read_anew(tmp_path: Path, kept: Remembered) -> None:
    write(tmp_path / "load.log", "Worker 1: 5%")
    reading, _ = await looked(tmp_path, remembered=kept)
    assert reading.workers[0].percent == 5


async def test_other_patterns_read_it_anew(tmp_path: Path) -> None:
    write(tmp_path / "load.log", "reorg", "reorg")
    _, kept = await looked(tmp_path)
    reading, _ = await looked(tmp_path, remembered=kept, profile={"patterns": {"reorg": "reorg", "bad": "("}})
    assert reading.happened["reorg"].total == 2
    assert "pattern bad cannot be used" in problems(reading)[0]


async def test_a_timezone_that_there_is_not_is_named(tmp_path: Path) -> None:
    write(tmp_path / "load.log", "Worker 1: 5%")
    reading, _ = await looked(tmp_path, profile={"timezone": "Mars/Base"})
    assert "there is no time zone 'Mars/Base'" in problems(reading)[0]
    assert reading.workers[0].percent == 5


async def test_standard_input_is_read_to_its_end(tmp_path: Path) -> None:
    reading, _ = await looked(tmp_path, "-", stdin=io.BytesIO(b"Worker 1: 5%\nWorker 1: 6%"))
    assert reading.workers[0].percent == 6
    assert reading.is_whole
    assert problems((await looked(tmp_path, "-"))[0])[0].startswith("there is no standard input")
    assert "is empty" in problems((await looked(tmp_path, "-", stdin=io.BytesIO(b"")))[0])[0]
    packed = io.BytesIO(gzip.compress(b"x\n"))
    assert "zcat" in problems((await looked(tmp_path, "-", stdin=packed))[0])[0]


async def test_standard_input_that_stays_open_is_read_on_at_the_next_look(tmp_path: Path) -> None:
    come, go = os.pipe()
    with os.fdopen(come, "rb", buffering=0) as stdin:
        os.write(go, b"Worker 1: 5%\nWorker 1: 6")
        first, _ = await looked(tmp_path, "-", stdin=stdin, read_seconds=0.05)
        os.write(go, b"1%\n")
        second, _ = await looked(tmp_path, "-", stdin=stdin, read_seconds=0.05)
        os.close(go)
        third, _ = await looked(tmp_path, "-", stdin=stdin, read_seconds=0.05)
    assert [(one.workers[0].percent, one.is_whole) for one in (first, second, third)] == [
        (5, False),
        (61, False),
        (61, True),
    ]


async def test_standard_input_whose_first_byte_comes_late_is_waited_for(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(streamed, "IDLE", 0.01)
    come, go = os.pipe()
    with os.fdopen(come, "rb", buffering=0) as stdin:
        nothing, _ = await looked(tmp_path, "-", stdin=stdin, read_seconds=0.1)
        look = asyncio.create_task(looked(tmp_path, "-", stdin=stdin, read_seconds=30))
        await asyncio.sleep(0.2)
        os.write(go, b"Worker 1: 5%\n")
        reading, _ = await look
        os.close(go)
    assert "nothing came within 0 s" in problems(nothing)[0]
    assert reading.workers[0].percent == 5


def test_a_source_is_called_by_its_path() -> None:
    assert logs.name(LogSource(path="a/*.log")) == "log a/*.log"
    assert Profile().log == []


async def test_a_look_that_is_called_off_ends_its_thread(tmp_path: Path) -> None:
    come, go = os.pipe()

    async def called_off() -> None:
        with os.fdopen(come, "rb", buffering=0) as stdin:
            look = asyncio.create_task(looked(tmp_path, "-", stdin=stdin, read_seconds=60))
            await asyncio.sleep(0)
            look.cancel()
            with pytest.raises(asyncio.CancelledError):
                await look
            await asyncio.get_running_loop().shutdown_default_executor()

    began = time.monotonic()
    await asyncio.to_thread(asyncio.run, called_off())
    assert time.monotonic() - began < logs.streamed.IDLE
    os.close(go)

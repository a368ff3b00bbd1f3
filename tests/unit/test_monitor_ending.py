"""Lines that say that all is done, and were not the end; and pieces of the work that are done."""

from pathlib import Path

import pytest

from backfill.monitor.logs.ending import is_of_a_part
from tests.support.logs import looked, stamp, write

GO_ON = [
    ("All done with page 3", "processing page 4"),
    ("Import complete: table users", "starting table orders"),
    ("Done.", "sleeping 60s before next round"),
    ("Job finished in 3.2s", "claimed next job"),
    ("Import finished successfully", "FATAL: out of memory"),
    ("Import finished", "started import of orders"),
    ("Import finished", *["GET /orders 200"] * 21),
]
END = [
    ("All done.",),
    ("Import complete", "closing pool", "rows: 500", "exit 0"),
    ("Import complete: 500 rows", "Starting shutdown", "bye"),
    ("Import finished in 3.2 s", "processing time: 3 s", "Started: 12:00, ended: 13:00"),
    ("All 5 files done", "vacuum took 3 s"),
    ("Import done: 9 of 9 files",),
    ("Backfill finished", *["closing a connection"] * 19),
]


@pytest.mark.parametrize("lines", GO_ON)
async def test_what_went_on_has_not_finished(tmp_path: Path, lines: tuple[str, ...]) -> None:
    write(tmp_path / "load.log", f"{stamp(0)} start", *(f"{stamp(1)} {line}" for line in lines))
    reading, _ = await looked(tmp_path)
    assert "finished" not in reading.happened
    assert any("it went on behind" in note for note in reading.notes) or is_of_a_part(lines[0].encode())


async def test_what_went_on_much_later_has_not_finished(tmp_path: Path) -> None:
    write(tmp_path / "load.log", f"{stamp(0)} Import finished", f"{stamp(7_200)} connected")
    assert "finished" not in (await looked(tmp_path))[0].happened


@pytest.mark.parametrize("lines", END)
async def test_what_a_program_closes_with_may_stand_behind_its_end(tmp_path: Path, lines: tuple[str, ...]) -> None:
    write(tmp_path / "load.log", f"{stamp(0)} start", *(f"{stamp(1)} {line}" for line in lines))
    reading, _ = await looked(tmp_path)
    assert reading.happened["finished"].total == 1
    assert reading.notes == []


@pytest.mark.parametrize(
    "line",
    [
        "done with chunk 5 of 900",
        "finished batch 7",
        "completed: page 12",
        "finished: 3 of 9 files",
        "done for table users",
        "finished range 5-9",
        "done, 3/9",
    ],
)
async def test_a_worker_that_is_done_with_a_piece_has_not_finished(tmp_path: Path, line: str) -> None:
    write(tmp_path / "load.log", f"{stamp(0)} Worker 3: 5%", f"{stamp(1)} Worker 3: {line}")
    reading, _ = await looked(tmp_path)
    assert [worker.is_finished for worker in reading.workers] == [False]
    assert "finished" not in reading.happened


@pytest.mark.parametrize(
    "line",
    ["done", "done in 3 s", "finished, 3 s", "finished with exit code 0", "completed successfully", "done!"],
)
async def test_a_worker_that_has_finished(tmp_path: Path, line: str) -> None:
    write(tmp_path / "load.log", f"{stamp(0)} Worker 3: 5%", f"{stamp(1)} Worker 3: {line}")
    reading, _ = await looked(tmp_path)
    assert [worker.is_finished for worker in reading.workers] == [True]

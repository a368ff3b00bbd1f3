"""Two sources that find the same log count what happened in it once."""

from pathlib import Path

import pytest

from backfill.monitor.look import look
from backfill.monitor.memory import Memory
from backfill.monitor.profile import LogSource, Profile
from backfill.monitor.report import Report
from tests.support.surroundings import surroundings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, count in (("load-1.log", 3), ("load-2.log", 2), ("other.log", 1)):
        (tmp_path / name).write_text("HTTP 503 Service Unavailable\n" * count)
    (tmp_path / "link.log").symlink_to("load-1.log")
    return tmp_path


async def report(folder: Path, *sources: LogSource) -> Report:
    return (await look(Profile(log=[*sources]), surroundings(folder), Memory()))[0]


def every(path: str) -> LogSource:
    return LogSource(path=path, all=True)


def one(path: str) -> LogSource:
    return LogSource(path=path)


@pytest.mark.parametrize(
    ("sources", "total", "told_by"),
    [
        ([one("load-1.log"), one("load-1.log")], 3, [1]),
        ([one("load-1.log"), one("link.log")], 3, [1]),
        ([one("load-1.log"), every("load*.log")], 5, [0]),
        ([every("load*.log"), one("load-1.log")], 5, [1]),
        ([one("load-1.log"), one("load-2.log")], 5, []),
    ],
)
async def test_what_two_find_counts_once(
    folder: Path, sources: list[LogSource], total: int, told_by: list[int]
) -> None:
    found = await report(folder, *sources)
    assert {one.name: one.total for one in found.errors}["http_503"] == total
    said = [place for place, one in enumerate(found.sources) if "is counted by log" in "".join(one.notes)]
    assert (said, [one.problems for one in found.sources]) == (told_by, [[], []])


async def test_of_two_that_share_some_files_it_is_said(folder: Path) -> None:
    found = await report(folder, every("load-*.log"), every("*[1r].log"))
    assert [one.problems[0] for one in found.sources] == [
        "1 file of log *[1r].log is counted here too, and so twice; name other files in one of them",
        "1 file of log load-*.log is counted here too, and so twice; name other files in one of them",
    ]

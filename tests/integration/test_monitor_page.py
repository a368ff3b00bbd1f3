"""Every example of docs/monitor.md, typed as it stands; each section in an empty folder and a database of its own."""

import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backfill.services import Services, account, programs
from tests.conftest import environment
from tests.support import databases
from tests.support.typed import examples, shows, typed

PAGE = Path(__file__).parents[2] / "docs" / "monitor.md"
SECTIONS = examples(PAGE)
# What no run has again: times, spans of time, ids, process numbers, loads, rates.
DIFFERS = (
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(Z| UTC)?", "AT"),
    (r"\b\d\d:\d\d(:\d\d)?( UTC)?", "AT"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"\b\d+ (h|min|s|ms)\b( \d\d (min|s)\b)?", "SPAN"),
    (r"done (between AT and AT|at about AT), in SPAN( to SPAN)?", "DONE"),
    (r"\bpid \d+", "pid N"),
    (r"\bCPU \d+ %", "CPU N %"),
    (r"[\d,.]+ (\w+?)s? a minute", r"RATE \1s a minute"),
    (r"[\d,.]+ (records a second|% a minute)", r"RATE \1"),
    (r"(\d\d\.\d % done, )?\d{3} of 1,000 lines", "SO FAR"),  # of a program that goes on meanwhile
    (r"process \d+", "process N"),
    (r"[\d,.]+ [kMGT]?B\b", "SIZE"),
    (r"=\d+\.\d+", "=RATE"),
)


def alike(line: str) -> str:
    for pattern, word in DIFFERS:
        line = re.sub(pattern, word, line)
    return " ".join(line.split())


@pytest.fixture
async def shell(services: Services, vhost: str, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """Our commands, psql, an empty database, and nothing remembered."""
    psql = shutil.which("psql")
    folder = Path(psql).parent if psql else programs.postgres(account.lent())
    assert folder is not None, "no psql: neither on the PATH nor beside PostgreSQL's programs"
    async with databases.new_database(services.database_url) as url:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], str(folder)])
        made = environment(url, vhost, services.management_url, tmp_path)
        yield made | {"PATH": path, "XDG_STATE_HOME": str(tmp_path / "state"), "LC_ALL": "C.UTF-8"}


def test_every_kind_has_an_example() -> None:
    assert {*SECTIONS} >= {
        *("Quick start", "Logs", "Queries", "Programs", "Processes", "Targets", "Our own jobs", "Files", "An API"),
        *("A profile", "For cron and Nagios", "As JSON or a page"),
    }


@pytest.mark.parametrize("title", SECTIONS)
async def test_it_prints_what_the_page_shows(shell: dict[str, str], tmp_path: Path, title: str) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    lines = SECTIONS[title]
    ended = await typed([command for command, _ in lines], shell, folder)
    for (command, shown), (code, printed) in zip(lines, ended, strict=True):
        text = "\n".join(printed)
        assert code == 0 or "; echo" in command, f"{command} ended with {code}:\n{text}"
        assert "Traceback" not in text
        if shown:
            assert shows(shown, printed, alike), f"{command} prints now:\n{text}"

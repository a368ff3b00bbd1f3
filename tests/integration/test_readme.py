"""The command lines of README.md, run as they stand."""

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
from tests.support.typed import sessions, shows, typed

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def shell(services: Services, vhost: str, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """What a reader's shell has: our commands, psql, two services and an empty database."""
    psql = shutil.which("psql")
    folder = Path(psql).parent if psql else programs.postgres(account.lent())
    assert folder is not None, "no psql: neither on the PATH nor beside PostgreSQL's programs"
    async with databases.new_database(services.database_url) as url:
        env = environment(url, vhost, services.management_url, tmp_path)
        yield env | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], str(folder)])}


def section(page: str, title: str) -> str:
    text = (ROOT / page).read_text()
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no section {title!r}"
    return found[1]


async def test_by_hand_runs_as_written(shell: dict[str, str]) -> None:
    lines = sessions(section("README.md", "By hand"))
    assert len(lines) > 8
    ended = await typed([command for command, _ in lines], shell, ROOT)
    for (command, shown), (code, printed) in zip(lines, ended, strict=True):
        assert code == 0, f"{command} ended with {code}: {printed}"
        if shown:
            assert shows(shown, printed), f"{command} prints now:\n" + "\n".join(printed)

"""The command lines of README.md, run as they stand."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from backfill.services import Services, account, programs
from tests.conftest import environment
from tests.support import databases

ROOT = Path(__file__).parents[2]
LEFT_OUT = "…"


@pytest.fixture
async def shell(services: Services, vhost: str, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """What a reader's shell has: our commands, psql, two services and an empty database."""
    psql = shutil.which("psql")
    folder = Path(psql).parent if psql else programs.postgres(account.lent())
    assert folder is not None, "no psql: neither on the PATH nor beside PostgreSQL's programs"
    async with databases.new_database(services.database_url) as url:
        env = environment(url, vhost, services.management_url, tmp_path)
        yield env | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], str(folder)])}


async def run(script: str, env: Mapping[str, str]) -> str:
    """The output of a shell script, stdout and stderr in order."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=ROOT, env=dict(env), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return output.decode()


def section(page: str, title: str) -> str:
    text = (ROOT / page).read_text()
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no section {title!r}"
    return found[1]


def sessions(text: str) -> list[tuple[str, list[str]]]:
    """The commands of all console blocks, each with the lines it is shown to print."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            else:
                found[-1][1].append(line)
    return found


def alike(line: str) -> str:
    """A line without what differs from run to run: ids, rates, durations, ages, the width of columns."""
    line = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", line)
    line = re.sub(r"\d+\.\d s\b", "TIME s", line)
    line = re.sub(r"[\d,.]+/sec", "RATE/sec", line)
    line = re.sub(r"(\| +)\d+$", r"\1AGE", line)
    return re.sub(r"-+", "-", " ".join(line.split()))


def shows(shown: list[str], printed: list[str]) -> bool:
    """Whether that is what was printed; the sign … stands for any number of lines."""
    pattern = "".join("(?:.*\n)*" if line == LEFT_OUT else re.escape(alike(line)) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{alike(line)}\n" for line in printed)) is not None


async def test_by_hand_runs_as_written(shell: dict[str, str]) -> None:
    lines = sessions(section("README.md", "By hand"))
    assert len(lines) > 8
    mark = "=== ended with"
    output = await run("\n".join(f"{command}\necho '{mark}' $?" for command, _ in lines), shell)
    *parts, rest = re.split(rf"^{mark} ", output, flags=re.MULTILINE)
    codes = [int(part.split("\n", 1)[0]) for part in [*parts[1:], rest]]
    texts = [parts[0], *(part.split("\n", 1)[1] for part in parts[1:])]
    for (command, shown), code, text in zip(lines, codes, texts, strict=True):
        assert code == 0, f"{command} ended with {code}:\n{text}"
        printed = [line for line in text.splitlines() if line.strip()]
        if shown:
            assert shows(shown, printed), f"{command} prints now:\n{text}"

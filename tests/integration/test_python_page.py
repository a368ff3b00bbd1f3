"""The recipes of docs/python.md, run as they stand."""

import ast
import asyncio
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from backfill import api
from tests.support.world import World

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
FILES = dict(re.findall(r"^```python\n# (\w+)\.py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
async def world(world: World) -> World:
    """The page's table."""
    (statements,) = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    await world.execute(statements)
    return world


@pytest.fixture
def folder(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's files, importable, with an environment as a program has it."""
    for name, text in FILES.items():
        (tmp_path / f"{name}.py").write_text(text)
    for name in ("DATABASE_URL", "RABBITMQ_URL"):
        monkeypatch.setenv(name, world.env[name])
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in FILES:
        sys.modules.pop(name, None)


async def filled(world: World) -> int:
    found: int = await world.value("SELECT count(*) FROM lines WHERE total = price * amount")
    return found


def imported(name: str) -> Any:
    return importlib.import_module(name)


async def test_the_migration(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # In Alembic's place: its `upgrade` is called without arguments, where no event loop runs.
    monkeypatch.delenv("RABBITMQ_URL")
    migration = imported("fill_line_totals")
    await asyncio.to_thread(migration.upgrade)
    assert await filled(world) == 1_000
    await asyncio.to_thread(migration.upgrade)  # as after a crash before Alembic has noted it: nothing is left to do
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 1


async def test_the_handler(world: World, folder: Path) -> None:
    transport = httpx.ASGITransport(app=imported("web_app").app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        opened = await client.post("/line-totals?limit=100")
        job = opened.json()["job"]
        assert (await client.get(f"/line-totals/{job}")).json() == {"state": "pending", "done": 0, "matched": 100}
    assert job == str(await world.job())
    assert await world.value("SELECT count(*) FROM backfill_partitions WHERE published_at IS NULL") == 0


async def test_the_cell(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RABBITMQ_URL")
    monkeypatch.delenv("DATABASE_URL")
    code = compile(FILES["cell"], "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {"api": api, "LineTotals": imported("line_totals").LineTotals, "url": world.database}
    await eval(code, names)  # noqa: S307 - the page's own lines
    assert names["result"].progress.updated == 1_000


async def test_the_test(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RABBITMQ_URL")
    await asyncio.to_thread(imported("test_line_totals").test_every_total_is_filled)
    assert await filled(world) == 1_000


async def test_the_first_lines(world: World, folder: Path) -> None:
    (first,) = re.findall(r"^```python\n(from backfill import api\n\nresult.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    code = compile(first.replace("timeout=600", "timeout=0.1"), "page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {"LineTotals": imported("line_totals").LineTotals}
    with pytest.raises(TimeoutError, match="is pending after"):  # nobody works on what was queued
        await eval(code, names)  # noqa: S307 - the same
    assert await filled(world) == 1_000

"""What users test their definitions with, in a project of a user's own."""

import asyncio
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from backfill.errors import UsageError
from backfill.services import Services
from backfill.testing import Database, checked, ran, survives
from backfill.testing.databases import with_ledger
from tests.support.definitions import Counter, Scaled
from tests.support.logins import as_role
from tests.support.pieces import Months
from tests.support.world import TABLES

pytestmark = pytest.mark.long

DEFINITION: Final = '''
from backfill import ColumnBackfill


class Doubled(ColumnBackfill):
    name = "doubled"
    table = "boxes"
    columns = ("value",)
    inputs = "SELECT id, base FROM boxes WHERE id = ANY($1)"

    def compute(self, record):
        return {"value": 2 * record["base"]}


class Added(Doubled):
    """Adds what it finds: a second effect shows, but for the toolkit's promise."""

    name = "added"
    inputs = "SELECT id, value FROM boxes WHERE id = ANY($1)"

    def compute(self, record):
        return {"value": (record["value"] or 0) + 1}


class Careless(Added):
    """Its second effect is its own: each load leaves a trace."""

    name = "careless"
    version = ("value",)  # the trace is no change of the application's

    async def load(self, connection, keys):
        await connection.execute("UPDATE boxes SET loads = loads + 1 WHERE id = ANY($1)", keys)
        return await super().load(connection, keys)
'''
FIVE_LINES: Final = """
from backfill.testing import ran
from mine import Doubled

pytest_plugins = ["backfill.testing.plugin"]


async def test_each_is_doubled(backfill_database):
    await backfill_database.execute("CREATE TABLE boxes (id int PRIMARY KEY, base int, value int)")
    await backfill_database.execute("INSERT INTO boxes SELECT n, n FROM generate_series(1, 3) n")
    ended = await ran(Doubled, backfill_database)
    assert ended.counts == {"updated": 3}
    assert [row["value"] for row in ended.rows] == [2, 4, 6]
"""
KILLS: Final = """
import pytest

from backfill.testing import survives
from mine import Added, Careless

pytest_plugins = ["backfill.testing.plugin"]
TABLE = (
    "CREATE TABLE boxes (id int PRIMARY KEY, value int, loads int DEFAULT 0); "
    "INSERT INTO boxes SELECT generate_series(1, 30)"
)


async def test_it_survives(backfill_database):
    await backfill_database.execute(TABLE)
    survived = await survives(Added, backfill_database, mode="all", batch_size=10, moments=0)
    assert "worker.before_commit" in survived.kills
    assert survived.clean.counts == {"updated": 30}


async def test_what_does_not_is_told(backfill_database):
    await backfill_database.execute(TABLE)
    with pytest.raises(AssertionError, match="killed at .*: [0-9]+ rows of boxes differ"):
        await survives(Careless, backfill_database, mode="all", batch_size=10, moments=0)
"""


def pytest_in(folder: Path, *words: str, seconds: float = 150, **env: str) -> subprocess.CompletedProcess[str]:
    """A user's pytest, which knows nothing of this checkout's."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        ".",
        *words,
    ]
    return subprocess.run(
        command, cwd=folder, env=plain | env, capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture
async def own(services: Services) -> Database:
    """A database as the fixture gives it."""
    return await with_ledger(services.database_url)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(DEFINITION)
    return tmp_path


@pytest.mark.parametrize("plugins", [("-p", "no:asyncio"), (), ("--asyncio-mode=auto",)])
async def test_five_lines_are_a_test_whichever_plugins_there_are(
    services: Services, project: Path, plugins: tuple[str, ...]
) -> None:
    (project / "test_mine.py").write_text(FIVE_LINES)
    server = Database(services.database_url)
    # A role of this test's own: others make databases on this server, too.
    password, role = secrets.token_hex(12), f"test_maker_{secrets.token_hex(4)}"
    await server.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER CREATEDB PASSWORD '{password}'")
    url = as_role(services.database_url, role, password)
    done = await asyncio.to_thread(pytest_in, project, *plugins, DATABASE_URL=url)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    left = "SELECT count(*) FROM pg_database WHERE datdba = $1::text::regrole"
    assert await server.value(left, role) == 0
    await server.execute(f"DROP ROLE {role}")


async def test_without_a_server_one_is_started_and_removed(services: Services, project: Path) -> None:
    (project / "test_mine.py").write_text(FIVE_LINES)
    done = await asyncio.to_thread(pytest_in, project, "--basetemp", str(project / "temp"))
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert not [*(project / "temp").rglob("postgres/*")]


@pytest.mark.timeout(400)  # some forty processes, each with an interpreter of its own
async def test_a_run_is_killed_at_every_place_and_what_differs_is_told(services: Services, project: Path) -> None:
    (project / "test_mine.py").write_text(KILLS)
    done = await asyncio.to_thread(pytest_in, project, seconds=380, DATABASE_URL=services.database_url)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


async def test_failures_skips_and_parameters_are_told(own: Database) -> None:
    try:
        await own.execute(TABLES)
        await own.execute("INSERT INTO things (id, base) SELECT n, n FROM generate_series(1, 3) n")
        ended = await ran(Scaled, own, mode="all", factor=3)
        assert (ended.state, ended.counts) == ("completed", {"updated": 3})
        assert [row["value"] for row in ended.rows] == [3, 6, 9]
        assert (await ran(Scaled, own, factor=3)).job is None  # nothing is left to do
        with pytest.raises(UsageError, match="parameters of scaled"):
            await ran(Scaled, own, factor="much")
        with pytest.raises(UsageError, match="counter has no parameters; leave out factor"):
            await ran(Counter, own, factor=3)
        odd = {"unit-001/2024-01": "fetch", "unit-001/2024-02": "skip"}
        ended = await ran(Months, own, unit=1, odd=odd)
        assert ended.counts == {"updated": 2, "skipped": 1, "failed": 1}
        assert ended.failures == {"unit-001/2024-01": ("ValueError", "no such unit")}
        assert ended.skipped == {"nothing was generated": 1}
        assert len(ended.rows) == 2
        found = await checked(Counter, own, mode="all", sample=2)
        assert (found.wrong, found.failures, found.counts) == ([], {}, {"updated": 2})
    finally:
        await own.drop()


async def test_a_database_that_somebody_is_in_is_not_copied(own: Database) -> None:
    try:
        async with own.connect():
            with pytest.raises(UsageError, match="cannot be copied while somebody is connected"):
                await survives(Counter, own)
    finally:
        await own.drop()


async def test_a_class_that_no_other_process_can_import_is_refused(own: Database) -> None:
    class Local(Counter):
        name = "local"

    try:
        with pytest.raises(UsageError, match="is no class that another process can import"):
            await survives(Local, own)
    finally:
        await own.drop()

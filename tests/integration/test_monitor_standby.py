"""A look into a server that only reads, as a standby is."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backfill.monitor.around import around
from backfill.monitor.profile import JobSource, Profile, SqlSource
from backfill.monitor.readings import Measure
from backfill.monitor.sources import jobs, queries
from tests.support import databases, servers
from tests.support.broker import with_path
from tests.support.standby import Server
from tests.support.surroundings import surroundings

JOB = "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash) VALUES ('counter', 'null', 10, 'x')"


@pytest.fixture
async def standby(services_folder: Path) -> AsyncIterator[str]:
    """The URL of a ledger with one job, on a server that takes no writes any more."""
    servers.ensure("postgres")
    server = Server(**vars(servers.new_postgres(services_folder / f"standby-{secrets.token_hex(4)}")))
    try:
        await asyncio.to_thread(server.start)
        await databases.execute(server.url, "CREATE DATABASE standing")
        url = with_path(server.url, "standing")
        await databases.apply_ledger(url, [JOB, "CREATE TABLE items AS SELECT n FROM generate_series(1, 50) n"])
        await asyncio.to_thread(server.only_read)
        yield url
    finally:
        await asyncio.to_thread(server.delete)


async def test_a_standby_tells_the_same(standby: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine that stands still for some seconds is no ledger that does not answer.
    for name in ("sources.jobs.SECONDS", "sources.jobs.STATEMENT_SECONDS", "around.LEDGER_SECONDS"):
        monkeypatch.setattr(f"backfill.monitor.{name}", 60.0)
    assert await databases.value(standby, "SELECT pg_is_in_recovery()")
    where = surroundings(tmp_path, {"DATABASE_URL": standby})
    reading, _ = await jobs.read(JobSource(), Profile(), where, {})
    assert (reading.problems, reading.job and reading.job.state) == ([], "pending")
    assert len((await around(where)).job) == 1
    reading, _ = await queries.read(SqlSource(query="SELECT count(*) AS rows FROM items"), Profile(), where, {})
    assert (reading.problems, reading.measures) == ([], {Measure.ROWS: 50})
    reading, _ = await queries.read(SqlSource(table="items", range="n", value="n"), Profile(), where, {})
    assert (reading.problems, reading.measures[Measure.RANGE_END]) == ([], 50)

"""Counting takes too long: an estimate tells people something, and decides nothing."""

import pytest

from backfill.ledger.jobs import Request
from backfill.modes import Mode, Priority
from backfill.producers import preparation
from backfill.producers.screen import Screen
from backfill.settings import Settings
from tests.support.keyed import Keyed, Table, numbers
from tests.support.queueing import in_process
from tests.support.world import World


async def prepared(world: World, monkeypatch: pytest.MonkeyPatch, limit: int | None = None) -> str:
    """Queue in this process while counting takes too long; what was said."""
    monkeypatch.setattr(preparation, "COUNT_SECONDS", 0.0)
    said: list[str] = []
    settings = Settings(database_url=world.database, rabbitmq_url=world.amqp)
    request = Request(Mode.NULL, Priority.NORMAL, "asc", 10, limit, (), None, None)
    screen = Screen(silent=True)
    monkeypatch.setattr(screen, "say", said.append)
    await in_process(settings, Keyed(), request, screen)
    return "\n".join(said)


@pytest.mark.parametrize("partitioned", [False, True])
async def test_an_estimate_never_says_that_there_is_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, partitioned: bool
) -> None:
    by = " PARTITION BY RANGE (id)" if partitioned else ""
    await world.execute(f"CREATE TABLE keyed (id integer PRIMARY KEY, value integer, stays text){by}")
    if partitioned:
        await world.execute(
            "CREATE TABLE low PARTITION OF keyed FOR VALUES FROM (0) TO (50);"
            "CREATE TABLE high PARTITION OF keyed FOR VALUES FROM (50) TO (5000)"
        )
    await world.execute("ALTER TABLE keyed SET (autovacuum_enabled = off)" if not partitioned else "SELECT 1")
    await world.execute("INSERT INTO keyed SELECT generate_series(1, 99)")
    assert "Records: about " in await prepared(world, monkeypatch)
    assert len(await Table(world).planned()) == 99
    if partitioned:
        await world.execute("DELETE FROM backfill_jobs; ANALYZE low; ANALYZE high")
        assert "Records: about 99\n" in await prepared(world, monkeypatch)


async def test_a_job_of_an_estimate_that_finds_nothing_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    table = await numbers(world, 5)
    await world.execute("UPDATE keyed SET value = 1; ANALYZE keyed")
    said = await prepared(world, monkeypatch, limit=3)
    assert "Records: about 3 (limit 3)" in said
    assert "Queued 0 records in 0 batches" in said
    await table.work()
    job = await table.job()
    assert (job["state"], job["records_matched"], job["records_left"]) == ("completed", 0, 0)

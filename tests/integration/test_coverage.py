"""How much of a table has a value: counted when a job of a column is opened, beside its planning."""

from typing import Any

import pytest

from backfill.ledger import passes
from backfill.modes import Mode
from backfill.producers import coverage
from backfill.producers.command import main as queue
from backfill.producers.parts import built
from backfill.producers.screen import Screen
from backfill.settings import Settings
from tests.support.definitions import Counter
from tests.support.operating import ask, done, queued, until, working
from tests.support.world import World

COUNTED = "SELECT scope_records, scope_covered, scope_is_estimate FROM backfill_jobs"


async def test_each_job_of_a_column_knows_how_much_had_a_value_and_has_one_now(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "AT_LEAST_SECONDS", 60.0)  # else a machine that stands still makes it an estimate
    await world.rows(20)
    await world.execute("UPDATE things SET value = 7 WHERE id <= 5")
    await queued(world, "--mode=null")
    assert [tuple(row) for row in await world.fetch(COUNTED)] == [(20, 5, False)]
    now = (await done(world, "status", "--json")).json
    assert now["coverage"] == {"in_scope": 20, "before": 5, "now": 5, "projected": 20, "is_estimate": False}
    assert (now["pass_number"], now["passes"]) == (None, [])
    async with working(world):
        await until(world, "completed")
    now = (await done(world, "status", "--json")).json
    assert now["coverage"] == {"in_scope": 20, "before": 5, "now": 20, "projected": 20, "is_estimate": False}
    assert (
        "Coverage: 25.0% -> 100.0% -> 100.0% (before, now, projected) of 20 records"
        in (await done(world, "status")).out
    )


async def test_a_count_that_takes_too_long_is_estimated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "COUNT_SECONDS", 0.0)
    await world.rows(20)
    await world.execute("ANALYZE things")
    await queued(world, "--mode=null")
    [(records, covered, is_estimate)] = await world.fetch(COUNTED)
    assert records == 20
    assert covered <= 20
    assert is_estimate is True


async def test_of_nothing_that_was_counted_there_is_no_coverage(world: World) -> None:
    await world.rows(20)
    await queued(world, "--mode=null")
    await world.execute("UPDATE backfill_jobs SET scope_records = NULL")
    assert (await done(world, "status", "--json")).json["coverage"] is None
    assert "Coverage" not in (await done(world, "status")).out


@pytest.mark.parametrize("at_least", [0.0, 60.0])
async def test_what_workers_write_after_a_job_was_opened_is_not_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, at_least: float
) -> None:
    """Neither by the count nor by the estimate: it is in the job's own counts."""
    monkeypatch.setattr(coverage, "AT_LEAST_SECONDS", at_least)
    await world.rows(20)
    await world.execute("ANALYZE things")
    opened = await queued(world, "--mode=null")
    await world.execute("UPDATE backfill_jobs SET scope_records = NULL, scope_covered = NULL")
    settings = Settings(database_url=world.database)
    async with built(settings, Screen(silent=True)) as parts, coverage.beside(parts, Counter(), Mode.NULL) as job:
        await world.execute("UPDATE things SET value = 7")
        await world.execute("ANALYZE things")
        job.set_result(opened)
    [(records, covered, _)] = await world.fetch(COUNTED)
    assert records == 20
    assert covered <= 1, "the least that PostgreSQL expects"


async def test_a_count_that_goes_wrong_fails_no_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def goes_wrong(*_: Any) -> None:
        raise RuntimeError("of whatever kind")

    monkeypatch.setattr(passes, "cover", goes_wrong)
    await world.rows(20)
    answer = await ask(world, "--mode=null", command=queue)
    assert answer.code == 0, answer
    assert "Not counted how many records have a value: RuntimeError: of whatever kind" in answer.err
    assert await world.value("SELECT planned_at IS NOT NULL FROM backfill_jobs")

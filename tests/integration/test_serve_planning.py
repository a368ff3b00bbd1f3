"""What a server plans in the background: a job that it has opened, and one that its producer has left."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from uuid import UUID

import pytest

from backfill import application, settings
from backfill.api.asking import asked
from backfill.cancelling import cancel
from backfill.errors import ConflictError, SchemaError, UnreachableError
from backfill.ledger import jobs, progress
from backfill.web import background
from backfill.web.planning import Planning
from tests.support.held import held_planning
from tests.support.logins import Logins
from tests.support.operating import counted_once, done, history, queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World
from tests.support.world import application as app_of


@pytest.fixture
async def server(world: World) -> AsyncIterator[Planning]:
    async with serving(world) as made:
        yield made


@asynccontextmanager
async def serving(world: World, say: Callable[[str], None] = lambda _: None, **env: str) -> AsyncIterator[Planning]:
    """What plans in a server for the world's definition."""
    with mock.patch.dict(os.environ, world.env | {"BACKFILL_APP": app_of(world.definition)} | env, clear=True):
        read = settings.read()
    made = Planning(read, application.load(read.app), say)
    looking = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        await cancel({looking})
        await made.close()


def wanted(world: World, **request: Any) -> Any:
    found = asked(app_of(world.definition), {}, **{"mode": "all", "batch_size": 5} | request)
    return found.definition, found.request


async def planned(world: World, job: UUID) -> bool:
    return (await progress.read(world.connection, job)).is_planned


async def test_a_job_is_there_at_once_and_planned_whole_later(world: World, server: Planning) -> None:
    await world.rows(2_000)

    async with held_planning(world):
        opened = await server.open(*wanted(world), "token:ada")

        assert opened.job_id is not None
        assert opened.is_new
        assert not await planned(world, opened.job_id)
    await eventually(lambda: planned(world, opened.job_id), deadline=60)
    now = await progress.read(world.connection, opened.job_id)
    assert (now.matched, now.total_partitions, now.created_by, now.is_left) == (2_000, 400, "token:ada", False)
    actors = await world.value("SELECT array_agg(DISTINCT actor) FROM backfill_events")
    assert actors == ["token:ada"]


async def test_without_records_there_is_no_job(world: World, server: Planning) -> None:
    opened = await server.open(*wanted(world), "ada")
    assert (opened.job_id, opened.is_new) == (None, False)


async def test_what_is_asked_for_is_there_from_the_first_moment(world: World, server: Planning) -> None:
    await world.rows(10)
    definition, request = wanted(world)
    deadline = datetime(2030, 1, 1, tzinfo=UTC)
    opened = await server.open(definition, replace(request, deadline=deadline, max_workers=2, pause_ms=7), "ada")
    assert opened.job_id
    now = await progress.read(world.connection, opened.job_id)
    assert (now.sla_deadline_at, now.max_workers, now.pause_ms) == (deadline, 2, 7)


async def test_one_key_twice_at_once_is_one_job(world: World, server: Planning) -> None:
    await world.rows(2_000)
    async with serving(world) as other:
        both = [one.open(*wanted(world, idempotency_key="once"), "ada") for one in (server, other)]
        first, second = await asyncio.gather(*both)
    assert first.job_id == second.job_id
    assert sorted([first.is_new, second.is_new]) == [False, True]
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 1


async def test_a_key_of_another_request_is_refused(world: World, server: Planning) -> None:
    await world.rows(10)
    await server.open(*wanted(world, idempotency_key="once"), "ada")
    with pytest.raises(ConflictError, match="belongs to job"):
        await server.open(*wanted(world, idempotency_key="once", limit=3), "ada")


async def test_what_an_operator_may_have_changed_is_no_other_request_and_is_said(
    world: World, server: Planning
) -> None:
    await world.rows(10)
    definition, request = wanted(world, idempotency_key="once")
    deadline = datetime(2030, 1, 1, tzinfo=UTC)
    asked_for = replace(request, deadline=deadline, max_workers=2, pause_ms=7)
    first = await server.open(definition, asked_for, "ada")
    assert (await server.open(definition, asked_for, "ada")).warnings == ()
    await done(world, "set", str(first.job_id), "--max-workers=0", "--pause-ms=9", "--deadline=2031-02-03T04:05:06")
    again = await server.open(definition, asked_for, "ada")
    assert again.job_id == first.job_id
    for option, then, now in (
        ("max-workers", "none", "2"),
        ("pause-ms", "9", "7"),
        ("deadline", "2031-02-03T04:05:06", "2030-01-01T00:00:00"),
    ):
        said = f"has {option} {then}; change it with: backfill set {first.job_id} --{option}={now}"
        assert any(said in warning for warning in again.warnings), again.warnings
        await done(world, "set", str(first.job_id), f"--{option}={now}")
    assert (await server.open(definition, asked_for, "ada")).warnings == ()
    assert (await server.open(definition, request, "ada")).warnings == ()  # it leaves them as they are


async def test_a_job_that_its_producer_has_left_is_planned_by_a_server_that_runs(world: World) -> None:
    await world.rows(200)
    left = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=kill@2")
    await world.until_killed(left)
    job = await world.job()
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = now() - interval '1 second'")

    async with serving(world):
        await eventually(lambda: planned(world, job))

    assert ("job.planning_adopted", None, None) in await history(world, job)
    async with working(world):
        await until(world, "completed")
    await counted_once(world, 200)
    await world.ends_well()


async def test_a_job_that_somebody_plans_is_not_left(world: World) -> None:
    await world.rows(1_000)
    other = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=stop@2")
    await world.until_stopped(other)
    left = "UPDATE backfill_jobs SET producer_lease_until = now() - interval '1 second'"

    assert await jobs.left(world.connection, [world.backfill]) == []
    await world.execute(left)
    assert await jobs.left(world.connection, [world.backfill]) == [(await world.job(), world.backfill)]
    other.kill()


async def test_what_planning_dies_of_is_in_the_events_once_and_it_is_tried_again(
    world: World,
) -> None:
    await world.rows(100)
    job = await queued(world)
    await world.execute("UPDATE backfill_jobs SET planned_at = NULL, definition_hash = ''")
    await world.execute("ALTER TABLE things RENAME COLUMN value TO worth")
    async with serving(world):
        failed = "SELECT count(*) FROM backfill_events WHERE event = 'job.planning_failed'"
        await eventually(lambda: world.value(failed))
        assert "value" in await world.value(
            "SELECT details->>'error' FROM backfill_events WHERE event = 'job.planning_failed'"
        )
        await world.execute("ALTER TABLE things RENAME COLUMN worth TO value")
        await eventually(lambda: planned(world, job))
        assert await world.value(failed) == 1


@pytest.mark.parametrize("full", ["opens", "adopts", "previews"])
async def test_more_than_it_does_at_once_of_a_kind_is_refused_and_keeps_no_other_kind(
    world: World, server: Planning, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    await world.rows(10)
    monkeypatch.setitem(background.MOST_AT_ONCE, full, 0)
    kinds = {
        "opens": lambda: server.open(*wanted(world), "ada"),
        "previews": lambda: server.dry_run(*wanted(world), asyncio.sleep(60)),
    }
    for kind, do in kinds.items():
        if kind == full:
            with pytest.raises(UnreachableError, match=f"{kind} 0 jobs, as many as it does at once"):
                await do()
        else:
            await do()


async def test_a_server_that_ends_gives_the_lead_back(world: World) -> None:
    await world.rows(2_000)
    async with held_planning(world), serving(world) as server:
        opened = await server.open(*wanted(world), "ada")
        assert opened.job_id
    now = await progress.read(world.connection, opened.job_id)
    assert now.is_left
    assert not now.is_planned


async def test_a_server_whose_role_may_only_look_says_so_once_and_plans_nothing(world: World, logins: Logins) -> None:
    await world.rows(20)
    job = await queued(world)
    await world.execute("UPDATE backfill_jobs SET planned_at = NULL")
    said: list[str] = []
    async with serving(world, DATABASE_URL=logins.reader, say=said.append) as server:
        await eventually(lambda: said)
        with pytest.raises(SchemaError, match="permission denied"):
            await server.open(*wanted(world, ids=["1"]), "ada")
    assert len(said) == 1
    assert "No job is opened or planned here: the role" in said[0]
    assert not await planned(world, job)


async def test_a_job_that_is_cancelled_while_it_is_planned_has_not_failed(world: World, server: Planning) -> None:
    await world.rows(2_000)
    async with held_planning(world):
        opened = await server.open(*wanted(world), "ada")
        assert opened.job_id
        await done(world, "cancel", str(opened.job_id), "--reason=no")
    await server.close()
    assert [event for event, *_ in await history(world, opened.job_id)] == ["job.opened", "job.cancelled"]

"""Working off so many records in one call."""

import asyncio
import json
import os
from typing import Any
from unittest import mock

import pytest

from backfill import settings
from backfill.errors import UnreachableError, UsageError
from backfill.web.process import Processing
from tests.support.operating import closed_gate, counted_once, done, queued, until_held
from tests.support.waiting import eventually
from tests.support.world import World
from tests.support.world import application as app_of


def processing(world: World, *, seconds: float = 60, **env: str) -> Processing:
    # The variables of the test's process go to the child, so it is told the rest.
    with mock.patch.dict(os.environ, world.env | {"BACKFILL_APP": app_of(world.definition)} | env, clear=True):
        return Processing(settings.read(), seconds=seconds)


async def test_exactly_so_many_records_are_worked_off(world: World) -> None:
    await world.rows(100)
    job = await queued(world, "--mode=all", "--batch-size=30")
    server = processing(world)

    assert await server.work(50, None, "token:ada") == {
        "processed": 50,
        "updated": 50,
        **dict.fromkeys(("unchanged", "skipped", "failed", "deleted"), 0),
        "remaining": 50,
        "jobs": [str(job)],
    }
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 50
    (event,) = await world.fetch("SELECT actor, details FROM backfill_events WHERE event = 'job.processed'")
    assert event["actor"] == "token:ada"
    assert json.loads(event["details"]) == {
        "processed": 50,
        "updated": 50,
        **dict.fromkeys(("unchanged", "skipped", "failed", "deleted"), 0),
    }
    assert (await server.work(50, "counter", "token:ada"))["processed"] == 50
    assert await world.state() == "completed"
    await counted_once(world, 100)
    assert (await server.work(50, None, "token:ada"))["processed"] == 0


async def test_the_last_call_ends_the_job_and_what_is_left_goes_to_the_next_one(world: World) -> None:
    await world.rows(20)
    await queued(world, "--mode=all", "--batch-size=5", "--id=1", "--id=2", "--id=3")
    second = await queued(world, "--mode=all", "--batch-size=5", "--after=10", "--priority=high")
    answer = await processing(world).work(12, None, "token:ada")
    assert (answer["processed"], answer["remaining"], answer["jobs"][0]) == (12, 1, str(second))
    assert await world.value("SELECT state FROM backfill_jobs WHERE id = $1", second) == "completed"


async def test_two_calls_at_once_share_the_work(world: World) -> None:
    await world.rows(200)
    await queued(world, "--mode=all", "--batch-size=10")
    server = processing(world)
    both = await asyncio.gather(server.work(40, None, "token:ada"), server.work(60, None, "token:ada"))
    assert [one["processed"] for one in both] == [40, 60]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    with pytest.raises(UnreachableError, match="as many as at once"):
        await asyncio.gather(*(server.work(1, None, "token:ada") for _ in range(3)))
    await server.close()


async def test_a_paused_job_is_left_alone_and_an_unknown_backfill_is_refused(world: World) -> None:
    await world.rows(20)
    await queued(world)
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now(), running_since = now()")
    await done(world, "pause", "latest")
    server = processing(world)
    assert (await server.work(50, None, "token:ada"))["processed"] == 0
    with pytest.raises(UsageError, match="unknown backfill 'other'"):
        await server.work(50, "other", "token:ada")


async def test_the_time_ends_it_and_nothing_is_lost(world: World) -> None:
    world.definition = "Slow"
    await world.rows(100, base=400)
    await queued(world, "--mode=all", "--batch-size=1")
    server = processing(world, seconds=6)  # in which it connects, too: on a busy machine that may be all it does
    done = 0
    while not done:
        done = (await server.work(100, None, "token:ada"))["processed"]
        assert await world.value("SELECT count(*) FROM things WHERE value = 1") == done < 100
        assert (await world.partitions())["running"] == 0


async def test_a_caller_that_vanishes_loses_nothing(world: World) -> None:
    world.definition = "Gated"
    await world.rows(20)
    await queued(world)
    server = processing(world)
    async with closed_gate(world):
        call = asyncio.create_task(server.work(20, None, "token:ada"))
        await until_held(world, 1)
        call.cancel()

    async def all_done() -> Any:
        return await world.state() == "completed"

    await eventually(all_done)
    await counted_once(world, 20)

"""A server that is killed while it plans, or while it works records off."""

import asyncio
import signal
from contextlib import suppress
from typing import Any

import httpx
import psutil
import pytest

from tests.support.operating import closed_gate, counted_once, history, queued, until_held
from tests.support.serving import API, serving
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

PLANNED = "SELECT planned_at IS NOT NULL FROM backfill_jobs"


@pytest.mark.parametrize("place", ["producer.after_open", "producer.after_plan", "producer.before_finish"])
async def test_a_server_that_is_killed_while_it_plans_is_followed_by_another(world: World, place: str) -> None:
    await world.rows(2_000)
    async with serving(world, BACKFILL_FAILPOINT=f"{place}=kill") as server:
        with suppress(httpx.TransportError):  # killed before it could answer, perhaps
            await server.client.post(f"{API}/jobs", json={"mode": "all", "batch_size": 10})
        assert await server.command.wait() == -signal.SIGKILL
    assert not await world.value(PLANNED)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = now() - interval '1 second'")

    async with serving(world):
        await eventually(lambda: world.value(PLANNED))
        assert ("job.planning_adopted", None, None) in await history(world, await world.job())
        await world.finish("--burst")
    await counted_once(world, 2_000)
    await world.ends_well()


async def test_two_servers_do_not_plan_one_job_twice(world: World) -> None:
    await world.rows(2_000)
    left = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=kill@2")
    await world.until_killed(left)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = now() - interval '1 second'")
    async with serving(world), serving(world):
        await eventually(lambda: world.value(PLANNED))
    adopted = "SELECT count(*) FROM backfill_events WHERE event = 'job.planning_adopted'"
    assert await world.value(adopted) == 1
    assert await world.value("SELECT records_matched FROM backfill_jobs") == 2_000
    await world.finish()
    await counted_once(world, 2_000)
    await world.ends_well()


async def test_a_server_that_is_told_to_end_gives_its_planning_back_at_once(world: World) -> None:
    await world.rows(200)
    async with serving(world) as server:
        async with world.session() as session, session.transaction():
            await session.execute("LOCK TABLE backfill_partitions IN EXCLUSIVE MODE")
            await server.send("POST", "/jobs", 202, json={"mode": "all", "batch_size": 10})
            server.command.kill(signal.SIGTERM)
            assert await server.command.wait() == 0, server.command.output
        assert await world.value("SELECT planned_at IS NULL AND producer_lease_until IS NULL FROM backfill_jobs")
    async with serving(world):
        await eventually(lambda: world.value(PLANNED))
        await world.finish()
    await counted_once(world, 200)
    await world.ends_well()


async def test_what_a_killed_server_had_begun_to_work_off_is_finished_or_taken_over(world: World) -> None:
    world.definition = "Gated"
    await world.rows(30)
    await queued(world)
    async with serving(world) as server:
        async with closed_gate(world):
            call = asyncio.create_task(server.client.post(f"{API}/process?limit=25"))
            await until_held(world, 1)
            server.command.kill()
            assert await server.command.wait() == -signal.SIGKILL
        with pytest.raises(httpx.TransportError):
            await call
        await eventually(lambda: done(world, 25))
        await world.finish()
    await counted_once(world, 30)
    await world.ends_well()


async def test_the_process_that_works_may_be_killed_too(world: World) -> None:
    world.definition = "Gated"
    await world.rows(30)
    await queued(world)
    async with serving(world) as server:
        async with closed_gate(world):
            call = asyncio.create_task(server.client.post(f"{API}/process?limit=25"))
            await until_held(world, 1)
            for child in psutil.Process(server.command.pid).children():
                if "backfill.web.working" in child.cmdline():
                    child.kill()
            answer = await call
        assert answer.status_code == 503
        assert "ended with exit code -9" in answer.json()["detail"]
        await world.finish()
    await counted_once(world, 30)
    await world.ends_well()


async def done(world: World, count: int) -> Any:
    found = await world.value("SELECT count(*) FROM things WHERE value = 1")
    assert found == count, found
    return True

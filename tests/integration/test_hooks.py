"""`before_job`, `after_partition` and `throttle`: what a definition may do around its partitions."""

import asyncio

import pytest

from backfill.producers.command import main as queue
from backfill.workers import hooks
from tests.support import hooked
from tests.support.operating import ask, closed_gate, completed, counted_once, done, queued, until, until_held, working
from tests.support.waiting import eventually
from tests.support.world import HASTY, World

pytestmark = pytest.mark.long


def using(world: World, definition: str) -> None:
    world.definition = f"tests.support.hooked:{definition}"


@pytest.fixture
async def world(world: World) -> World:
    await world.execute(hooked.TABLE)
    hooked.ENDED.clear()
    using(world, "Before")
    return world


async def lines(world: World, what: str) -> int:
    found: int = await world.value("SELECT count(*) FROM hooks WHERE what = $1", what)
    return found


async def says(world: World, reason: str) -> None:
    await world.execute("INSERT INTO outage VALUES ($1)", reason)


async def held(world: World, reason: str, partitions: int = 1) -> None:
    async def shown() -> bool:
        now = (await done(world, "status", "--json")).json
        assert now["held_partitions"] >= partitions, now
        assert reason in (now["held_reason"] or ""), now
        return True

    await eventually(shown)


# --- before_job


async def test_of_many_workers_one_does_what_comes_before_and_the_others_wait(world: World) -> None:
    await world.rows(100)
    async with closed_gate(world) as gate:
        await queued(world)
        async with working(world, 3, concurrency=2):
            await until_held(world, 6)
            await held(world, "waits for before_job of before, which is under way", 5)
            assert await world.value("SELECT count(*) FROM audit") == 0
            assert await world.value("SELECT before_job_at IS NULL FROM backfill_jobs")
            await gate.execute("SELECT pg_advisory_unlock(77)")
            await until(world, "completed")
    assert await lines(world, "before") == 1
    assert await world.value("SELECT job FROM hooks") == str(await world.job())
    await counted_once(world, 100)
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    assert await world.value("SELECT count(*) FROM backfill_partitions WHERE held_since IS NOT NULL") == 0
    row = (await world.fetch("SELECT before_job_at, min(started_at) FROM backfill_jobs GROUP BY 1"))[0]
    assert row["before_job_at"] is not None


async def test_it_is_done_once_for_each_job_also_of_keys(world: World) -> None:
    using(world, "BeforeMonths")
    await queued(world, "-P", "unit=1")
    async with working(world, 2):
        await until(world, "completed")
        await queued(world, "-P", "unit=2")
        await until(world, "completed")
    assert await lines(world, "before") == 2
    assert await world.value("SELECT max(writes) FROM months") == 1
    assert sum(one.updated for one in hooked.ENDED) == 8


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("before raises", "before_job of before raised ValueError: no such currency; nothing of it was kept"),
        ("before is refused", "before_job of before raised ConnectionRefusedError: the service is away"),
        ("before exits", "before_job of before raised RuntimeError: SystemExit: 3"),
        ("before commits", "before_job of before has ended its transaction: it must neither commit nor roll back"),
    ],
)
async def test_an_exception_pauses_the_job_and_a_corrected_one_is_done_after_resume(
    world: World, reason: str, why: str
) -> None:
    await world.rows(20)
    await says(world, reason)
    await queued(world)
    async with working(world, 2):
        await until(world, "paused")
        await until_held(world, 0)  # the other worker may have begun another partition
        now = (await done(world, "status", "--json")).json
        assert (now["pause_cause"], why in now["pause_reason"]) == ("definition", True), now["pause_reason"]
        # What it has committed itself stays; and it has let the other worker in before the job was paused.
        assert await lines(world, "before") in ((1, 2) if reason == "before commits" else (0,))
        assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0
        await world.execute("DELETE FROM outage; DELETE FROM hooks")
        await done(world, "resume", "latest")
        await until(world, "completed")
    assert await lines(world, "before") == 1
    await counted_once(world, 20)


async def test_a_lock_that_it_needs_is_waited_for(world: World) -> None:
    await world.rows(20)
    await says(world, "before locks")
    await queued(world)
    async with world.session() as session, session.transaction():
        await session.execute("LOCK TABLE labels IN ACCESS SHARE MODE")
        async with working(world):
            await held(world, "waits for a lock that before_job of before needs")
            await session.execute("ROLLBACK; BEGIN")
            await until(world, "completed")
    assert await lines(world, "before") == 1
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1


async def test_a_job_that_is_cancelled_meanwhile_keeps_nothing_of_it(world: World) -> None:
    await world.rows(20)
    async with closed_gate(world) as gate:
        await queued(world)
        async with working(world):
            await eventually(lambda: world.value("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"))
            await done(world, "cancel", "latest", "--reason=wrong")
            await gate.execute("SELECT pg_advisory_unlock(77)")
            await until_held(world, 0)
    assert await lines(world, "before") == 0
    assert await world.value("SELECT count(*) FROM audit") == 0


async def test_workers_that_wait_for_it_stop_when_they_are_told_to(world: World) -> None:
    await world.rows(40)
    async with closed_gate(world):
        await queued(world)
        first = world.worker("--concurrency=1")
        await until_held(world, 1)
        second = world.worker("--concurrency=2")
        await until_held(world, 3)
        await world.drain(second)
        await until_held(world, 1)
    await until(world, "completed")
    await world.drain(first)
    assert await lines(world, "before") == 1
    await counted_once(world, 40)


async def test_workers_of_the_least_rights_do_it_too(world: World) -> None:
    await done(world, "init", "--roles")
    found = await world.value(
        "SELECT has_column_privilege('backfill_worker', 'backfill_jobs', 'before_job_at', 'UPDATE')"
    )
    assert found


# --- after_partition


async def test_it_is_told_of_each_partition_that_has_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    using(world, "After")
    monkeypatch.setattr(hooks, "AFTER_SECONDS", 0.2)
    said: list[str] = []
    await world.rows(50, base="CASE WHEN id = 5 THEN 1 ELSE 0 END")
    job = await queued(world)
    async with working(world, say=said.append):
        await until(world, "completed")
        await eventually(lambda: len(hooked.ENDED) == 5)
    found = {one.partition_key: one for one in hooked.ENDED}
    assert len(found) == 5
    first = found["000000001"]
    assert (first.job_id, first.state, first.updated, first.failed) == (job, "completed", 9, 1)
    assert first.keys == tuple(str(n) for n in range(1, 11))
    # Of three that went wrong the first is said, and none was the partition's failure.
    assert await world.value("SELECT sum(records_failed) FROM backfill_partitions") == 1
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    (told,) = [one for one in said if "after_partition of after" in one]
    assert "This is said once." in told


async def test_it_is_told_after_the_commit(world: World) -> None:
    using(world, "After")
    await world.rows(10)
    await queued(world)
    victim = world.worker(failpoint="worker.after_partition=kill@1", **HASTY)
    await world.until_killed(victim)
    # Killed before it was told: committed all the same, and not told again.
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    async with working(world):
        await until(world, "completed")
    assert not hooked.ENDED


# --- throttle


async def test_a_reason_holds_all_workers_and_costs_no_attempt(world: World) -> None:
    using(world, "Throttled")
    await world.rows(60)
    await says(world, "the replica is 90 s behind")
    await queued(world)
    said: list[str] = []
    async with working(world, 2, concurrency=2, say=said.append):
        await held(world, "rests for throttle of throttled: the replica is 90 s behind", 4)
        assert await world.value("SELECT count(*) FROM audit") == 0
        assert "Held: 4 partitions since" in (await done(world, "status")).out
        asked = await lines(world, "asked")
        began = asyncio.get_running_loop().time()
        # What they asked before may be committed only now: the first two lines more say nothing.
        await eventually(lambda: lines_more(world, asked + 6))
        # Two workers with two slots each: once a second a worker, whatever it has in hand.
        assert asyncio.get_running_loop().time() - began > 0.9
        await world.execute("DELETE FROM outage")
        await until(world, "completed")
    await counted_once(world, 60)
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    assert await world.value("SELECT count(*) FROM backfill_partitions WHERE held_since IS NOT NULL") == 0
    assert len([one for one in said if "is held" in one]) == 2
    assert len([one for one in said if "goes on" in one]) == 2


async def lines_more(world: World, least: int) -> bool:
    return await lines(world, "asked") >= least


async def test_it_begins_again_when_there_is_a_reason_again(world: World) -> None:
    using(world, "Throttled")
    await world.rows(100)
    await queued(world)
    await world.execute("UPDATE backfill_jobs SET pause_ms = 1500")
    async with working(world):
        await completed(world, 2)
        await says(world, "busy")
        await held(world, "busy")
        await world.execute("DELETE FROM outage; UPDATE backfill_jobs SET pause_ms = 0")
        await until(world, "completed")
    await counted_once(world, 100)


@pytest.mark.parametrize("reason", ["raises", "exits", "number", "sleeps", "statement", "commits"])
async def test_what_goes_wrong_in_it_is_said_once_and_holds_nothing(
    world: World, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    using(world, "Throttled")
    if reason == "sleeps":  # of the others none takes long, but where the machine stands still
        monkeypatch.setattr(hooks, "THROTTLE_SECONDS", 0.2)
    monkeypatch.setattr(hooks, "ASK_SECONDS", 0.0)
    said: list[str] = []
    await world.rows(40)
    await says(world, reason)
    await queued(world)
    async with working(world, say=said.append):
        await until(world, "completed")
    await counted_once(world, 40)
    told = [one for one in said if "throttle of throttled" in one]
    assert len(told) == (0 if reason == "commits" else 1), said


async def test_a_pause_and_a_stop_end_the_holding(world: World) -> None:
    using(world, "Throttled")
    await world.rows(20)
    await says(world, "busy")
    await queued(world)
    async with working(world):
        await held(world, "busy")
        await done(world, "pause", "latest", "--reason=look")
        await until_held(world, 0)
        assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0
        await done(world, "resume", "latest")
        await held(world, "busy")
    assert (await world.partitions())["pending"] == 2
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0


async def test_a_hook_that_is_no_coroutine_is_refused(world: World) -> None:
    answer = await ask(world, command=queue, BACKFILL_APP="tests.support.hooked:AfterPlain")
    assert answer.code == 2
    assert "AfterPlain.after_partition is no coroutine function: write it with async def" in answer.err

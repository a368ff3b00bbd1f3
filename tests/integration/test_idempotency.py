"""An idempotency key belongs to one request, and whoever calls again with it gets that request's job, whole."""

from typing import Any
from uuid import UUID

import pytest

from backfill.producers.command import main as queue_command
from tests.support.operating import Answer, ask, done, queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World, last_json

pytestmark = pytest.mark.long

CALL = ("--mode=all", "--batch-size=2", "--idempotency-key=nightly")


async def call(world: World, *arguments: str, **env: str) -> Answer:
    return await ask(world, *(arguments or CALL), command=queue_command, **env)


async def jobs_there_are(world: World) -> int:
    found: int = await world.value("SELECT count(*) FROM backfill_jobs")
    return found


async def is_queued_whole(world: World, records: int) -> None:
    planned = await world.fetch("SELECT unnest(record_ids)::int AS id FROM backfill_partitions ORDER BY id")
    assert [row["id"] for row in planned] == list(range(1, records + 1))
    assert await world.value("SELECT planned_at IS NOT NULL AND producer_lease_until IS NULL FROM backfill_jobs")


@pytest.mark.parametrize("step", ["after_open", "after_plan", "after_publish", "before_finish"])
async def test_the_same_call_after_a_kill_queues_the_rest(world: World, step: str) -> None:
    await world.rows(90)
    victim = world.producer(*CALL, failpoint=f"producer.{step}=kill@1")
    await world.until_killed(victim)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp()")

    answer = await call(world)

    assert answer.code == 0, answer
    assert "was opened with this idempotency key, and is not planned whole" in answer.out
    assert "Queued " in answer.out
    assert await jobs_there_are(world) == 1
    await is_queued_whole(world, 90)


async def test_the_same_call_waits_for_the_lease_of_a_producer_that_died(world: World) -> None:
    await world.rows(90)
    victim = world.producer(*CALL, failpoint="producer.after_plan=kill@1")
    await world.until_killed(victim)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp() + interval '1 hour'")

    waits = world.producer(*CALL)
    told = "is being planned by another producer; waiting until it is done, or its lease ends (30 s"
    await eventually(lambda: told in waits.output, what="that it waits")
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp()")

    assert await waits.wait() == 0, waits.output
    assert await jobs_there_are(world) == 1
    await is_queued_whole(world, 90)


async def test_a_producer_that_fails_leaves_its_lease_so_that_nobody_has_to_wait(world: World) -> None:
    await world.rows(90)
    producer = world.producer(*CALL, failpoint="producer.after_plan=stop@2")
    await world.until_stopped(producer)
    await world.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'backfill-queue'"
    )
    producer.kill(18)
    assert await producer.wait() == 5, producer.output
    assert await world.value("SELECT producer_lease_until IS NULL FROM backfill_jobs")
    assert (await call(world)).code == 0
    await is_queued_whole(world, 90)


async def test_the_same_call_shows_a_job_that_is_queued_or_completed(world: World) -> None:
    await world.rows(10)
    job = await queued(world, *CALL)
    answer = await call(world)
    assert (answer.code, answer.out) == (0, f"Job {job} was opened with this idempotency key; it is pending.\n")
    async with working(world):
        await until(world, "completed")
    answer = await call(world, *CALL, "--json")
    assert answer.json == {"schema_version": 1, "job": str(job), "state": "completed", "existing": True}
    assert await jobs_there_are(world) == 1


OTHERS: dict[str, tuple[tuple[str, ...], str]] = {
    "another mode": (("--mode=null", "--batch-size=2"), "--mode null (was all)"),
    "a limit": (("--mode=all", "--batch-size=2", "--limit=5"), "--limit 5 (was none)"),
    "an id": (("--mode=all", "--batch-size=2", "--id=07"), "--id 7 (was none)"),
    "a beginning": (("--mode=all", "--batch-size=2", "--after=3"), "--after 3 (was none)"),
    "another order": (("--mode=all", "--batch-size=2", "--order=desc"), "--order desc (was asc)"),
    "another batch size and mode": (("--mode=zero",), "--mode zero (was all), --batch-size 500 (was 2)"),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("state", ["pending", "completed"])
async def test_the_key_of_another_request_is_refused_with_what_differs(world: World, kind: str, state: str) -> None:
    await world.rows(10)
    job = await queued(world, *CALL)
    if state == "completed":
        async with working(world):
            await until(world, "completed")
    arguments, differs = OTHERS[kind]

    answer = await call(world, *arguments, "--idempotency-key=nightly", "--json")

    assert answer.code == 4
    assert f"idempotency key 'nightly' belongs to job {job}, which was opened for something else: {differs}; " in (
        answer.err
    )
    assert answer.json["error"]["exit_code"] == 4
    assert await jobs_there_are(world) == 1


async def test_the_key_of_another_backfill_is_refused(world: World) -> None:
    await world.rows(10)
    await queued(world, *CALL)
    world.definition = "Gated"
    answer = await call(world)
    assert answer.code == 4
    assert "opened for something else: backfill gated (was counter)" in answer.err


async def test_parameters_are_the_same_whatever_their_order_and_what_differs_is_named(world: World) -> None:
    """The database keeps them in an order of its own."""
    world.definition = "tests.support.pieces:Months"
    months = ("-P", "first=2024-01", "-P", "last=2024-02", "--idempotency-key=months")
    job = await queued(world, *months)
    again = await call(world, *months, "--json")
    assert (again.code, again.json["job"]) == (0, str(job)), again
    other = await call(world, *months, "-P", "units=1")
    assert other.code == 4
    assert "opened for something else: -P units=1 (was units=3); " in other.err
    assert await jobs_there_are(world) == 1


@pytest.mark.parametrize("ids", [("--id=3", "--id=7"), ("--id=7", "--id=003", "--id=3")])
async def test_the_same_records_in_other_words_are_the_same_request(world: World, ids: tuple[str, ...]) -> None:
    await world.rows(10)
    job = await queued(world, *CALL, "--id=3", "--id=7")
    answer = await call(world, *CALL, *ids, "--json")
    assert (answer.code, answer.json["job"]) == (0, str(job))


async def test_a_changed_priority_is_no_other_request_and_is_said(world: World) -> None:
    await world.rows(10)
    job = await queued(world, *CALL)
    await done(world, "set", str(job), "--priority=high")
    answer = await call(world)
    assert answer.code == 0
    assert f"backfill set {job} --priority=normal" in answer.err


@pytest.mark.parametrize("state", ["cancelled", "failed"])
async def test_a_job_that_came_to_nothing_is_no_success(world: World, state: str) -> None:
    await world.rows(10)
    job = await queued(world, *CALL)
    if state == "cancelled":
        await done(world, "cancel", str(job), "--reason", "wrong prices")
    else:
        await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now()")
        await world.execute(
            "UPDATE backfill_jobs SET state = 'failed', completed_at = now(), error_message = 'all failed'"
        )
    answer = await call(world)
    assert answer.code == 4
    assert f"job {job}, opened with idempotency key 'nightly', is {state} (" in answer.err
    assert ("backfill retry" in answer.err) == (state == "failed")
    assert await jobs_there_are(world) == 1


async def test_the_key_of_a_deleted_job_is_free(world: World) -> None:
    await world.rows(10)
    job = await queued(world, *CALL)
    await done(world, "cancel", str(job))
    await done(world, "delete", str(job), "--yes")
    assert await queued(world, *CALL) != job


async def test_two_that_call_at_once_mean_one_job_and_both_succeed(world: World) -> None:
    await world.rows(300)
    first = world.producer(*CALL, "--json", failpoint="producer.after_plan=stop")
    await world.until_stopped(first)
    second = world.producer(*CALL, "--json")
    first.kill(18)
    for command in (first, second):
        assert await command.wait() == 0, command.output
    found: list[Any] = [UUID(last_json(command)["job"]) for command in (first, second)]
    assert found == [await world.job()] * 2
    await is_queued_whole(world, 300)


async def test_the_counter_of_a_resumed_job_ends_at_what_there_is(world: World) -> None:
    await world.rows(100)
    victim = world.producer("--mode=null", "--batch-size=2", failpoint="producer.after_plan=kill@2")
    await world.until_killed(victim)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp()")
    # Records that came later belong to the application.
    await world.execute("INSERT INTO things (id) VALUES (500), (501)")

    answer = await call(world, "--resume", "latest")

    lines = [line for line in answer.out.splitlines() if line.startswith("Queued batch")]
    shown = [line.partition("(")[2].partition(" -")[0] for line in lines]
    assert all(one.endswith("/100") for one in shown), answer.out
    assert shown[-1] == "100/100"
    await is_queued_whole(world, 100)

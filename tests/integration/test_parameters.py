"""Parameters: given when a job is queued, shown wherever it is, the same for every worker, and the job's own."""

from typing import Any
from uuid import UUID

import pytest

from backfill.message import decode
from backfill.producers.command import main as queue_command
from tests.support.operating import Answer, ask, done, until, working
from tests.support.world import World, last_json


@pytest.fixture
def world(world: World) -> World:
    world.definition = "Scaled"
    return world


async def queued(world: World, *arguments: str) -> UUID:
    answer = await ask(world, "--json", "--mode=all", *arguments, command=queue_command)
    assert answer.code == 0, answer
    return UUID(answer.json["job"])


async def values(world: World) -> list[int]:
    found: list[int] = await world.value("SELECT array_agg(value::int ORDER BY id) FROM things")
    return found


async def test_jobs_with_other_parameters_run_side_by_side(world: World) -> None:
    await world.rows(6, base=10)
    first, rest = [f"--id={n}" for n in (1, 2)], [f"--id={n}" for n in (3, 4)]
    jobs = [
        await queued(world, *first, "--batch-size=1"),
        await queued(world, *rest, "--batch-size=1", "-P", "factor=7"),
        await queued(world, "--id=5", "--id=6", "--batch-size=1", "-P", "factor=2", "--parameter=offset=1"),
    ]
    async with working(world, 2, concurrency=2):
        for job in jobs:
            await until(world, "completed", job)
    assert await values(world) == [30, 30, 70, 70, 21, 21]


async def test_they_are_shown_by_whatever_shows_the_job(world: World) -> None:
    await world.rows(3)
    given = ("-P", "factor=7")
    dry = await ask(world, "--mode=all", "--dry-run", *given, command=queue_command)
    assert "Parameters: factor=7, offset=0" in dry.out
    plain = world.producer("--mode=all", "--json", *given)
    assert await plain.wait() == 0, plain.output
    assert last_json(plain)["parameters"] == {"factor": 7, "offset": 0}

    assert "Parameters: factor=7, offset=0" in (await done(world, "status")).out
    status = (await done(world, "status", "--json")).json
    assert status["parameters"] == {"factor": 7, "offset": 0}
    assert status["definition_hash"] == await world.value("SELECT definition_hash FROM backfill_jobs")
    assert (await done(world, "list", "--json")).json["jobs"][0]["parameters"] == {"factor": 7, "offset": 0}
    events = (await done(world, "events", "--json")).json["events"]
    assert [one["details"] for one in events if one["event"] == "job.parameters"] == [{"factor": 7, "offset": 0}]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-P", "factor=many"), "error: parameters of scaled: factor: Input should be a valid integer"),
        (("-P", "factro=7"), "error: scaled has no parameter factro; it has: factor, offset"),
        (("-P", "factor"), "error: -P factor: write NAME=VALUE, such as -P factor=7"),
        (("--resume=latest", "-P", "factor=7"), "Error: --resume goes on with the job as it was opened"),
    ],
)
async def test_wrong_ones_are_refused_before_anything_is_written(
    world: World, arguments: tuple[str, ...], sentence: str
) -> None:
    await world.rows(3)
    answer = await ask(world, *arguments, command=queue_command)
    assert answer.code == 2
    assert sentence in answer.err
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


async def test_resume_and_retry_take_those_of_the_job(world: World) -> None:
    await world.rows(30, base="CASE WHEN id = 3 THEN -1 ELSE 1 END")
    arguments = ("--mode=all", "--batch-size=1", "-P", "factor=7")
    producer = world.producer(*arguments, failpoint="producer.after_plan=kill")
    await world.until_killed(producer)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = now() - interval '1 second'")
    resumed = await ask(world, "--resume=latest", "--json", command=queue_command)
    assert resumed.json["parameters"] == {"factor": 7, "offset": 0}
    async with working(world):
        await until(world, "completed")
        assert (await values(world))[3:] == [7] * 27
        await world.execute("UPDATE things SET base = 2 WHERE id = 3")
        await done(world, "retry", "latest")
        await until(world, "completed")
    assert (await values(world))[2] == 14


async def test_a_worker_that_cannot_read_them_pauses_the_job_and_says_so(world: World) -> None:
    await world.rows(3)
    job = await queued(world)
    await world.execute("""UPDATE backfill_jobs SET parameters = '{"factor": "many", "offset": 0}'""")
    said: list[str] = []
    async with working(world, say=said.append):
        await until(world, "paused")
    sentence = "the job's parameters (factor=many, offset=0) are none of scaled any more: factor: Input should be"
    assert any(line.startswith(f"Paused job {job}") and sentence in line for line in said), said
    assert sentence in (await done(world, "status")).out
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0


async def test_a_program_that_knows_no_parameters_gets_nothing_of_a_job_that_has_some(world: World) -> None:
    async def claimed(function: str) -> list[Any]:
        (body,) = await world.messages()
        message = decode(body)
        return await world.fetch(
            f"SELECT * FROM {function}($1, $2, gen_random_uuid(), 60, 'scaled', 'all')",
            message.job_id,
            message.partition_key,
        )

    await world.rows(3)
    await queued(world)
    assert not await claimed("backfill_claim")
    await world.execute("UPDATE backfill_jobs SET parameters = '{}'")
    assert len(await claimed("backfill_claim")) == 1


async def test_warnings_know_them_and_a_worker_starts_without(world: World) -> None:
    await world.rows(3)
    world.definition = "Needing"
    answer: Answer = await ask(world, "--mode=all", "-P", "factor=7", command=queue_command)
    assert "warning: everything times 7" in answer.err
    said: list[str] = []
    async with working(world, say=said.append):
        await until(world, "completed")
    assert not [line for line in said if line.startswith("warning")]
    missing = await ask(world, "--mode=all", command=queue_command)
    assert missing.code == 2
    assert "parameters of needing: factor: Field required" in missing.err

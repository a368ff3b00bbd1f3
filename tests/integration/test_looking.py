"""What the commands say that only look, to people and to programs."""

import csv
import io
import json
from typing import Any

from backfill.modes import Priority
from tests.support.commands import Command
from tests.support.operating import (
    ask,
    closed_gate,
    done,
    in_state,
    queued,
    three_paused,
    until,
    until_held,
    with_failures,
    working,
)
from tests.support.waiting import eventually
from tests.support.world import World


async def test_wait_tells_by_its_exit_code_how_a_job_ended(world: World) -> None:
    job = await in_state(world, "running")
    waiting = await ask(world, "wait", str(job), "--timeout", "0.1s", "--json")
    assert (waiting.code, waiting.json["state"]) == (75, "running")
    async with working(world):
        assert (await ask(world, "wait", str(job), "--timeout", "60s")).code == 0

    await world.execute("UPDATE things SET value = 12 WHERE id = 20")
    await queued(world)
    async with working(world):
        assert (await ask(world, "wait", "--timeout", "60s")).code == 7  # completed, but a record failed

    await queued(world)
    await done(world, "cancel", "latest", "--reason", "x")
    assert (await ask(world, "wait")).code == 8


async def test_watching_through_a_pipe_gives_plain_lines_and_ends_with_the_job(world: World) -> None:
    world.definition = "Gated"
    await world.rows(120)
    async with working(world):
        async with closed_gate(world):
            job = await queued(world)
            await until_held(world, 1)
            command: Command = world.run("backfill", "status", str(job), "--watch", "--interval", "0.2")
            programs = world.run("backfill", "status", str(job), "--watch", "--interval", "0.2", "--json")
            await eventually(lambda: command.output and programs.output, what="a first look of both")
        assert await command.wait() == 0
        assert await programs.wait() == 0
    assert "\x1b" not in command.output
    lines = command.output.splitlines()
    assert lines[0].startswith("running: ")
    assert lines[0].endswith("| Workers: 1")
    assert any(line.startswith("completed: 120/120 (100.0%)") for line in lines)
    assert "Records: 120/120 (100.0%) | Updated: 120" in command.output
    parsed = [json.loads(line) for line in programs.output.splitlines()]
    assert parsed[-1]["state"] == "completed"
    assert all(look["schema_version"] == 1 and look["job"] == str(job) for look in parsed)
    assert parsed[0]["workers"][0]["pid"] > 0
    assert set(parsed[0]["queues"]) == {world.topology.queue(Priority.NORMAL), world.topology.dead_queue}


async def test_every_command_prints_one_object_and_ids_as_text(world: World) -> None:
    # Given a job whose records have ids beyond what a double can hold
    big = 2**62
    world.definition = "Poison"
    await world.execute(
        "INSERT INTO things (id, base) SELECT $1::bigint + n, (n = 3)::int FROM generate_series(1, 20) AS n", big
    )
    job = await queued(world)
    async with working(world):
        await until(world, "completed")
    answers = [
        await done(world, "status", "--json"),
        await done(world, "list", "--json"),
        await done(world, "failures", "--json"),
        await done(world, "events", "--json"),
        await ask(world, "wait", "--json"),
        await done(world, "retry", str(job), "--json"),
        await done(world, "set", "latest", "--pause-ms=1", "--max-workers=2", "--deadline=2100-01-01", "--json"),
        await done(world, "reset-stuck", "latest", "--json"),
        await done(world, "cancel", "latest", "--reason=x", "--json"),
        await done(world, "delete", "latest", "--yes", "--json"),
        await done(world, "settings", "--json"),
    ]

    def numbers(value: Any) -> list[int]:
        if isinstance(value, dict):
            return [number for part in value.values() for number in numbers(part)]
        if isinstance(value, list):
            return [number for part in value for number in numbers(part)]
        return [value] if isinstance(value, int) else []

    for answer in answers:
        assert answer.json["schema_version"] == 1
        assert all(number < 2**53 for number in numbers(answer.json))
    assert answers[0].json["job"] == str(job)
    assert answers[1].json["jobs"][0]["upper_key"] == str(big + 20)
    assert answers[2].json["failures"][0]["record_id"] == str(big + 3)


async def test_failures_are_listed_as_csv(world: World) -> None:
    await with_failures(world)
    rows = list(csv.DictReader(io.StringIO((await done(world, "failures", "--csv")).out)))
    assert [row["record_id"] for row in rows] == ["5", "15"]
    assert rows[0]["error_class"] == "ValueError"
    assert rows[0]["error_message"] == "record 5 cannot be computed"
    assert (await done(world, "failures")).out.startswith("5\tpartition 000000001\tValueError: record 5")


async def test_jobs_are_listed_by_state_and_backfill(world: World) -> None:
    jobs = await three_paused(world)
    await done(world, "cancel", str(jobs[0]), "--reason", "x")
    listed = (await done(world, "list", "--state", "paused", "--json")).json["jobs"]
    assert [job["id"] for job in listed] == [str(job) for job in reversed(jobs[1:])]
    assert (await done(world, "list", "--backfill", "another")).out == "No jobs.\n"
    assert len((await done(world, "list")).out.splitlines()) == 4

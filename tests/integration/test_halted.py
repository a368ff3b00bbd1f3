"""A job that a worker has paused waits for a correction: whoever looks is told why and what to do."""

import json
from uuid import UUID

import pytest

from tests.support.operating import ask, done, queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


async def halted(world: World) -> UUID:
    """A job that its worker has paused: a column went away after the job was queued."""
    await world.rows(20)
    job = await queued(world)
    await world.execute("ALTER TABLE things RENAME value TO worth")
    async with working(world):
        await until(world, "paused")
    return job


async def test_status_and_wait_say_why_and_how_to_go_on(world: World) -> None:
    job = await halted(world)

    status = (await done(world, "status")).out
    wait = await ask(world, "wait", "--json")

    assert "State: paused by worker since " in status
    assert "UndefinedColumnError" in status or "has no column" in status
    assert f"correct its definition or table, restart the workers, then go on with: backfill resume {job}" in status
    assert wait.code == 9
    assert (wait.json["state"], wait.json["pause_cause"], wait.json["paused_by"]) == ("paused", "definition", "worker")
    assert (await ask(world, "wait")).out == (await done(world, "status")).out


async def test_what_was_in_hand_is_published_again_as_soon_as_the_job_goes_on(world: World) -> None:
    """Else its message would be missed only after the time for which messages may be under way."""
    job = await halted(world)
    published = "SELECT count(*) FROM backfill_partitions WHERE published_at IS NOT NULL"

    async def known() -> bool:
        # What the stopping worker gave back is in the queue, also one that was forgotten and could not be acknowledged
        # any more: that costs a look.
        there, in_queues = await world.value(published), sum((await world.depths()).values())
        assert there <= in_queues, (there, in_queues)
        return True

    await eventually(known, what="that messages are forgotten which are in no queue")

    await world.execute("ALTER TABLE things RENAME worth TO value")
    await done(world, "resume", str(job))
    await world.finish()
    await world.ends_well()


async def test_a_burst_worker_fails_by_name_and_succeeds_once_it_is_corrected(world: World) -> None:
    await world.rows(20)
    job = await queued(world)
    await world.execute("ALTER TABLE things RENAME value TO worth")
    for _ in range(2):  # it meets the fault, or finds the job paused already
        worker = world.worker("--burst")
        assert await worker.wait() == 9, worker.output
        assert f"error: job {job} of counter is paused (" in worker.output
        assert f"correct its definition or table, then: backfill resume {job}" in worker.output

    await world.execute("ALTER TABLE things RENAME worth TO value")
    await done(world, "resume", str(job))
    worker = world.worker("--burst")
    assert await worker.wait() == 0, worker.output
    await world.ends_well()


async def test_a_job_that_an_operator_paused_is_waited_for_and_nobodys_failure(world: World) -> None:
    await world.rows(20)
    job = await queued(world)
    await done(world, "pause", str(job), "--reason", "line\nbreak", LOGNAME="ada")

    for timeout in ("0.2s", "0.001s"):  # the shorter one is over at the first look
        waiting = await ask(world, "wait", "--timeout", timeout)
        assert waiting.code == 75
        assert waiting.err.startswith(f"job {job} is paused by ada@")
        assert waiting.err.endswith(f"(line\\nbreak); go on with: backfill resume {job}\n")
    worker = world.worker("--burst")
    assert await worker.wait() == 0, worker.output

    command = world.run("backfill", "wait", str(job))
    await eventually(lambda: "is paused by" in command.output, what="a remark on the pause")
    await done(world, "resume", str(job))
    async with working(world):
        assert await command.wait() == 0, command.output


async def test_a_completed_job_whose_records_failed_says_so(world: World) -> None:
    world.definition = "Poison"
    await world.rows(20, base=1)
    await queued(world)
    async with working(world):
        await until(world, "completed")
    assert ", but all 20 records failed" in (await done(world, "status")).out
    # One of several, in a job of its own.
    await world.execute("UPDATE things SET base = (id = 3)::int")
    await queued(world)
    async with working(world):
        await until(world, "completed")
    assert "; 1 records failed" in (await done(world, "status")).out


async def test_failures_of_other_jobs_are_named_when_this_one_has_none(world: World) -> None:
    world.definition = "Poison"
    await world.rows(20, base="(id IN (3, 7))::int")
    bad = await queued(world)
    async with working(world):
        await until(world, "completed")
    await world.execute(
        "UPDATE backfill_failures SET error_message = E'two\nlines\tand a tab', record_id = E'a\tb' "
        "WHERE record_id = '3'"
    )
    lines = (await done(world, "failures")).out.splitlines()
    assert len(lines) == 2
    assert lines[0].split("\t")[0] == "a\\tb"
    assert "two\\nlines\\tand a tab" in lines[0]
    good = await queued(world, "--mode=all", "--id=1")

    answer = await done(world, "failures")

    assert answer.out.splitlines() == [
        f"Job {good} has no failed records.",
        f"  2 of poison, job {bad} (completed): backfill failures {bad}",
    ]
    assert (await done(world, "failures", "--json")).json["elsewhere"] == [{"job": str(bad), "failed": 2}]


async def test_ids_that_will_not_be_queued_are_named(world: World) -> None:
    await world.rows(20, value="CASE WHEN id = 7 THEN 1 END")
    command = world.producer("--mode=null", "--id=3", "--id=7", "--id=099999", "--json")
    assert await command.wait() == 0, command.output
    assert "warning: --id 99999: things has no such record" in command.output
    assert "warning: --id 7: left out, mode null takes records of things whose value is NULL" in command.output
    assert json.loads(command.output.splitlines()[-1])["queued"] == 1

    many = world.producer("--mode=null", *[f"--id={n}" for n in range(101, 121)])
    assert await many.wait() == 0, many.output
    assert "--id 101, 102, 103, 104, 105, 106, 107, 108, 109, 110 and 10 more: things has no such record" in many.output
    assert "Nothing to do." in many.output

"""Stopping everything and bringing back exactly that; who opened a job, and what a job waits for."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from tests.support.operating import ask, done, history, queued, starts, until, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

EVERYTHING = ("--all", "--yes")


async def three(world: World) -> list[UUID]:
    """A pending, a running and a resuming job, without a worker."""
    await world.rows(30)
    jobs = [await queued(world, "--mode=all", f"--id={n}") for n in (1, 2, 3)]
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now() WHERE id = ANY ($1)", jobs[1:])
    await done(world, "pause", str(jobs[2]))
    await done(world, "resume", str(jobs[2]))
    return jobs


async def states(world: World) -> list[str]:
    return [row[0] for row in await world.fetch("SELECT state FROM backfill_jobs ORDER BY created_at")]


async def test_pausing_all_stops_what_has_not_begun_too(world: World) -> None:
    jobs = await three(world)

    answer = await done(world, "pause", *EVERYTHING)

    assert [line.split()[3] for line in answer.out.splitlines()] == ["pending", "running", "resuming"]
    assert await states(world) == ["paused"] * 3
    async with working(world):
        await eventually(world.queues_are_empty)
    assert await starts(world) == 0
    assert [await history(world, job) for job in jobs[:1]] == [
        [("job.opened", None, "pending"), ("job.paused", "pending", "paused")]
    ]


async def test_what_was_paused_together_is_brought_back_and_nothing_else(world: World) -> None:
    jobs = await three(world)
    await done(world, "pause", str(jobs[1]), "--reason", "by itself")
    await done(world, "pause", *EVERYTHING)

    answer = await done(world, "resume", *EVERYTHING)

    assert await states(world) == ["resuming", "paused", "resuming"]
    assert "1 jobs stay paused: `pause --all` did not pause them; resume each, or add --state=paused" in answer.err
    assert "No job is selected." in (await done(world, "resume", *EVERYTHING)).err
    async with working(world):
        await until(world, "completed", jobs[0])
        await until(world, "completed", jobs[2])
    await done(world, "resume", *EVERYTHING, "--state=paused")
    assert (await states(world))[1] == "resuming"


async def test_pausing_all_twice_remembers_both(world: World) -> None:
    await three(world)
    await done(world, "pause", *EVERYTHING)
    late = await queued(world, "--mode=all", "--id=9")
    assert (await states(world))[-1] == "pending"

    answer = await done(world, "pause", *EVERYTHING)
    assert answer.out == f"Job {late} was pending and is paused.\n"

    await done(world, "resume", *EVERYTHING)
    assert await states(world) == ["resuming"] * 4


async def test_a_job_that_was_resumed_and_paused_alone_meanwhile_stays_paused(world: World) -> None:
    jobs = await three(world)
    await done(world, "pause", *EVERYTHING)
    await done(world, "resume", str(jobs[0]))
    await done(world, "pause", str(jobs[0]))
    await done(world, "resume", *EVERYTHING)
    assert await states(world) == ["paused", "resuming", "resuming"]


async def test_who_pauses_one_of_all_keeps_it(world: World) -> None:
    jobs = await three(world)
    await done(world, "pause", *EVERYTHING)

    answer = await done(world, "pause", str(jobs[0]), "--reason", "mine")

    assert answer.out == f"Job {jobs[0]} was paused with all others; `resume --all` leaves it paused now.\n"
    event = (await done(world, "events", str(jobs[0]), "--json")).json["events"][-1]
    assert (event["event"], event["reason"]) == ("job.kept_paused", "mine")
    await done(world, "resume", *EVERYTHING)
    assert await states(world) == ["paused", "resuming", "resuming"]
    assert (await done(world, "pause", str(jobs[0]))).out == f"Job {jobs[0]} is paused already.\n"


async def test_a_paused_job_that_is_cancelled_is_not_brought_back(world: World) -> None:
    jobs = await three(world)
    await done(world, "pause", *EVERYTHING)
    await done(world, "cancel", str(jobs[1]))
    await done(world, "resume", *EVERYTHING)
    assert await states(world) == ["resuming", "cancelled", "resuming"]
    assert (
        await world.value("SELECT count(*) FROM backfill_jobs WHERE pause_cause IS NOT NULL OR paused_at IS NOT NULL")
        == 0
    )


async def test_two_people_at_once_pause_and_resume_all(world: World) -> None:
    await three(world)
    answers = await asyncio.gather(*(ask(world, "pause", *EVERYTHING) for _ in range(2)))
    assert {answer.code for answer in answers} == {0}
    assert await states(world) == ["paused"] * 3
    await asyncio.gather(*(done(world, "resume", *EVERYTHING) for _ in range(2)))
    assert await states(world) == ["resuming"] * 3


async def test_a_pending_job_is_paused_alone_and_runs_to_its_end_when_resumed(world: World) -> None:
    await world.rows(20)
    job = await queued(world)
    assert (await done(world, "pause", str(job))).out == f"Job {job} was pending and is paused.\n"
    async with working(world):
        await eventually(world.queues_are_empty)
        await done(world, "resume", str(job))
        await until(world, "completed")
    await world.ends_well()


async def test_an_older_program_goes_on_with_the_arrows_it_knows(world: World) -> None:
    await three(world)
    await world.execute("UPDATE backfill_jobs SET state = 'paused', paused_at = now() WHERE state = 'running'")
    await world.execute("UPDATE backfill_jobs SET state = 'resuming', version = version + 1 WHERE state = 'paused'")
    with pytest.raises(asyncpg.CheckViolationError, match="is pending: it cannot become completed"):
        await world.execute(
            "UPDATE backfill_jobs SET state = 'completed', completed_at = now() WHERE state = 'pending'"
        )


async def test_a_resumed_job_is_resuming_since_its_resume(world: World) -> None:
    jobs = await three(world)
    await done(world, "pause", str(jobs[1]))
    long_ago = "UPDATE backfill_jobs SET started_at = now() - interval '3 days', paused_at = now() - interval '2 days'"
    await world.execute(f"{long_ago} WHERE id = $1", jobs[1])

    await done(world, "resume", str(jobs[1]))

    now = (await done(world, "status", str(jobs[1]), "--json")).json
    assert now["paused_at"] is None
    resumed = "SELECT to_char(max(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM backfill_events"
    since = await world.value(f"{resumed} WHERE to_state = 'resuming' AND backfill_job_id = $1", jobs[1])
    assert f"State: resuming since {since}" in (await done(world, "status", str(jobs[1]))).out


async def test_a_job_knows_who_opened_it(world: World) -> None:
    await world.rows(10)
    job = await queued(world, "--mode=all", LOGNAME="ada")
    assert (await world.value("SELECT created_by FROM backfill_jobs")).startswith("ada@")
    event = (await done(world, "events", str(job), "--json")).json["events"][0]
    assert (event["event"], event["actor"][:4]) == ("job.opened", "ada@")
    assert ", opened by ada@" in (await done(world, "status", str(job))).out
    # By hand it is the database's user, as for every other change.
    await world.execute(
        "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash) VALUES ('other', 'all', 1, '')"
    )
    by_hand = await world.value("SELECT created_by FROM backfill_jobs WHERE asset_name = 'other'")
    assert by_hand == await world.value("SELECT session_user::text")

"""Who did what to a job and why, by a command or by hand."""

import asyncpg
import pytest

from tests.support.operating import done, in_state
from tests.support.world import World


async def test_an_event_says_who_did_what_to_a_job_and_why(world: World) -> None:
    job = await in_state(world, "running")
    began = await world.value("SELECT now()")
    await done(world, "pause", str(job), "--reason", "the database is busy", LOGNAME="ada")

    event = (await done(world, "events", str(job), "--json")).json["events"][-1]

    assert event["actor"].startswith("ada@")
    assert (event["event"], event["from_state"], event["to_state"]) == ("job.paused", "running", "paused")
    assert event["reason"] == "the database is busy"
    assert event["at"] >= str(began)
    line = (await done(world, "events", str(job))).out.splitlines()[-1]
    assert "job.paused  running -> paused  ada@" in line
    assert line.endswith("the database is busy")


async def test_a_change_by_hand_leaves_the_same_event_with_the_database_user(world: World) -> None:
    job = await in_state(world, "running")
    await world.execute("UPDATE backfill_jobs SET state = 'cancelled', completed_at = now(), error_message = 'enough'")
    event = (await done(world, "events", str(job), "--json")).json["events"][-1]
    assert (event["event"], event["from_state"], event["reason"]) == ("job.cancelled", "running", "enough")
    assert event["actor"] == await world.value("SELECT session_user::text")


async def test_events_cannot_be_changed_or_taken_away(world: World) -> None:
    await in_state(world, "pending")
    for statement in ("UPDATE backfill_events SET actor = 'nobody'", "DELETE FROM backfill_events"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await world.execute(statement)


async def test_a_state_that_no_arrow_leads_to_is_refused_by_hand_too(world: World) -> None:
    await in_state(world, "paused")
    with pytest.raises(asyncpg.CheckViolationError, match="is paused: it cannot become running, only resuming"):
        await world.execute("UPDATE backfill_jobs SET state = 'running'")

"""What `backfill-worker` and `backfill-queue` write with BACKFILL_LOG and --log-format."""

import json
from datetime import datetime
from typing import Any

import pytest

from tests.support.commands import Command
from tests.support.operating import queued
from tests.support.waiting import eventually
from tests.support.world import World


def records(command: Command) -> list[dict[str, Any]]:
    """Every whole line of its output, each an object."""
    return [json.loads(line) for line in command.output.rpartition("\n")[0].splitlines()]


async def test_every_line_of_a_worker_is_an_object_and_debug_has_each_delivery(world: World) -> None:
    await world.rows(20)
    job = await queued(world)
    worker = world.worker("--burst", "--log-format=json", BACKFILL_LOG="debug")
    assert await worker.wait() == 0, worker.output

    lines = records(worker)
    identity = str(await world.value("SELECT id FROM backfill_workers"))
    for one in lines:
        assert datetime.fromisoformat(one["time"]).utcoffset() is not None
        assert one["worker"] == identity
        assert one["level"] in ("debug", "info", "warning")
    claimed = [one for one in lines if one["message"].startswith("Claimed")]
    # The reconciler may have been as fast as the worker: a duplicate finds nothing to claim.
    settled = [one for one in lines if one["message"].startswith("Settled") and one["counts"]]
    for found in (claimed, settled):
        assert sorted(one["partition"] for one in found) == ["000000001", "000000002"]
        assert {one["job"] for one in found} == {str(job)}
        assert {one["level"] for one in found} == {"debug"}
    assert [one["attempt"] for one in claimed] == [1, 1]
    assert all(one["ms"] > 0 and one["counts"]["updated"] == 10 for one in settled)
    assert all("acknowledged in " in one["message"] for one in settled)
    [end] = [one for one in lines if one["message"].startswith(f"Job {job} completed")]
    assert (end["job"], "partition" in end) == (str(job), False)
    assert "job" not in lines[-1], "the summary is about no job"
    await world.ends_well()


async def test_lines_of_a_partition_that_goes_wrong_say_which_it_is(world: World) -> None:
    world.definition = "Flaky"
    await world.rows(10)
    job = await queued(world)
    await world.execute("INSERT INTO outage VALUES ('test')")
    worker = world.worker("--burst", BACKFILL_LOG_FORMAT="json", BACKFILL_LOG="warning", BACKFILL_RETRY_DELAYS="")
    assert await worker.wait() == 0, worker.output

    lines = records(worker)
    assert {one["level"] for one in lines} == {"warning"}
    [gave_up] = [one for one in lines if one["message"].startswith("Gave up partition")]
    assert (gave_up["job"], gave_up["partition"]) == (str(job), "000000001")


async def test_text_is_what_it_was_and_has_no_debug_lines_unless_asked(world: World) -> None:
    await world.rows(10)
    await queued(world)
    worker = world.worker("--burst")
    assert await worker.wait() == 0, worker.output
    assert worker.output.startswith("Queue: backfill_counter_queue")
    assert "Claimed" not in worker.output
    asked = world.worker("--burst", "--log-format=text", BACKFILL_LOG="debug", BACKFILL_LOG_FORMAT="json")
    assert await asked.wait() == 0, asked.output
    assert asked.output.startswith("Queue: backfill_counter_queue"), "a flag wins"


async def test_every_line_of_the_producer_is_an_object(world: World) -> None:
    await world.rows(20)
    producer = world.producer("--mode=null", "--batch-size=10", "--log-format=json")
    assert await producer.wait() == 0, producer.output

    lines, job = records(producer), str(await world.job())
    batches = [one for one in lines if one["message"].startswith("Queued batch")]
    assert [(one["job"], one["partition"]) for one in batches] == [(job, "000000001"), (job, "000000002")]
    assert "job" not in lines[0]
    assert lines[-1]["job"] == job
    quiet = world.producer("--mode=null", "--limit=1", "--log-format=json", BACKFILL_LOG="warning")
    assert await quiet.wait() == 4
    [error] = records(quiet)
    assert error["level"] == "error"
    assert f"job {job} of counter is pending and overlaps" in error["message"]


@pytest.mark.parametrize("setting", ["BACKFILL_LOG", "BACKFILL_LOG_FORMAT"])
async def test_a_wrong_setting_is_refused_by_name(world: World, setting: str) -> None:
    worker = world.worker(**{setting: "loud"})
    assert await worker.wait() == 2
    assert f"error: {setting}=loud" in worker.output


async def test_a_delivery_that_leads_to_no_work_is_told_too(world: World) -> None:
    await world.rows(10)
    job = await queued(world)
    [message] = await world.messages()
    await world.finish()
    await world.publish(b"nonsense", message)
    worker = world.worker("--concurrency=1", "--log-format=json", BACKFILL_LOG="debug")

    async def told() -> bool:
        settled = [one for one in records(worker) if one["message"].startswith("Settled")]
        assert len(settled) == 2
        assert "none of ours: acknowledged" in settled[0]["message"]
        assert settled[1]["message"].endswith("nothing to claim.")
        assert (settled[1]["job"], settled[1]["partition"], settled[1]["counts"]) == (str(job), "000000001", {})
        return True

    await eventually(told, what="the lines of two deliveries")
    await world.drain(worker)
    await world.ends_well(undecodable=1)

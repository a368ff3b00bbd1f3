"""A definition that changes while its job is under way: noticed by the first worker that has it."""

from collections.abc import Mapping
from typing import Any

import pytest

from backfill import ColumnBackfill, Skip
from tests.support import made_up
from tests.support.made_up import queued, worked
from tests.support.operating import completed, done
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


class Before(ColumnBackfill):
    name = "doubler"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1)"
    factor = 3

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"value": record["base"] * self.factor}


class After(Before):
    factor = 7


@pytest.fixture
async def world(world: World) -> World:
    """With a job of two partitions, opened with `Before`."""
    world.definition = "Doubler"
    await world.rows(20, base=10)
    await queued(world, Before(), batch_size=10)
    return world


async def values(world: World) -> set[int | None]:
    return {row["value"] for row in await world.fetch("SELECT DISTINCT value::int FROM things")}


async def test_the_job_is_paused_with_both_hashes_and_what_to_do(world: World) -> None:
    said = await worked(world, After())

    job = await world.job()
    expected = (
        f"ChangedDefinitionError: the definition of doubler has changed since job {job} was opened "
        f"(hash {Before().fingerprint()}, a worker has {After().fingerprint()}); to go on with the changed one: "
        f"backfill resume {job} --accept-definition; else deploy the former one, and resume without"
    )
    assert f"Paused job {job}: {expected}" in said
    assert expected in (await done(world, "status")).out
    assert await values(world) == {None}
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0
    await world.ends_well(states=["paused"])


async def test_resumed_without_a_word_it_is_paused_again_by_the_changed_and_done_by_the_former(world: World) -> None:
    await worked(world, After())
    await done(world, "resume", "latest")
    await worked(world, After())
    assert await world.state() == "paused"

    await done(world, "resume", "latest")
    await worked(world, Before())

    assert await values(world) == {30}
    await world.ends_well()


async def test_once_accepted_the_changed_one_goes_on_and_each_partition_says_which_made_it(world: World) -> None:
    await world.execute("UPDATE backfill_partitions SET not_before = now() + '1 h' WHERE partition_key = '000000002'")
    await worked(world, Before(), BACKFILL_FAILED_MINIMUM="100")
    await world.execute("UPDATE backfill_partitions SET not_before = NULL")
    await worked(world, After())
    assert await world.state() == "paused"

    await done(world, "resume", "latest", "--accept-definition")
    await worked(world, After())

    assert await values(world) == {30, 70}
    rows = await world.fetch("SELECT definition_hash FROM backfill_partitions ORDER BY partition_key")
    assert [row["definition_hash"] for row in rows] == [Before().fingerprint(), After().fingerprint()]
    events = (await done(world, "events", "latest", "--json")).json["events"]
    assert [one["details"] for one in events if one["event"] == "job.definition_accepted"] == [
        {"before": Before().fingerprint(), "now": After().fingerprint()}
    ]
    await world.ends_well()


async def test_a_worker_with_what_was_replaced_leaves_the_job_to_others(world: World) -> None:
    await worked(world, After())
    await done(world, "resume", "latest", "--accept-definition")

    async with made_up.working(world, Before()) as said, made_up.working(world, After()):
        await world.until_ended()

    assert await values(world) == {70}
    job = await world.job()
    assert len([line for line in said if f"Job {job} goes on with a newer definition of doubler" in line]) <= 1
    await world.ends_well()


async def test_a_worker_that_runs_notices_what_is_accepted_meanwhile(world: World) -> None:
    await world.execute("UPDATE backfill_partitions SET not_before = now() + '1 h' WHERE partition_key = '000000002'")
    async with made_up.working(world, Before()) as said:
        await completed(world, 1)
        await world.execute(
            "UPDATE backfill_jobs SET definition_hash = $1, former_definition_hashes = ARRAY[definition_hash]",
            After().fingerprint(),
        )
        await world.execute(
            "UPDATE backfill_partitions SET not_before = NULL, published_at = NULL WHERE state = 'pending'"
        )
        await eventually(lambda: any("start this worker again" in line for line in said))
    async with made_up.working(world, After()):
        await world.until_ended()
        await eventually(world.queues_are_empty)  # of what was published twice
    assert await values(world) == {30, 70}
    await world.ends_well()


async def test_a_claim_that_waited_for_its_row_knows_what_was_accepted_meanwhile(world: World) -> None:
    waits = "datname = current_database() AND query LIKE '%-- Take a partition%' AND wait_event_type = 'Lock'"
    async with world.session() as session:
        await session.execute("BEGIN; SELECT FROM backfill_partitions WHERE partition_key = '000000002' FOR UPDATE")
        async with made_up.working(world, Before(), BACKFILL_LOCK_TIMEOUT_MS="60000") as said:
            await completed(world, 1)
            await eventually(lambda: world.value(f"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {waits})"))
            await world.execute(
                "UPDATE backfill_jobs SET definition_hash = $1, former_definition_hashes = ARRAY[definition_hash]",
                After().fingerprint(),
            )
            await session.execute("COMMIT")
            await eventually(lambda: any("start this worker again" in line for line in said))
    async with made_up.working(world, After()):
        await world.until_ended()
        await eventually(world.queues_are_empty)  # of what was published twice
    assert await values(world) == {30, 70}
    await world.ends_well()


async def test_alone_it_neither_pauses_the_job_nor_costs_an_attempt(world: World) -> None:
    await worked(world, After())
    await done(world, "resume", "latest", "--accept-definition")
    async with made_up.working(world, Before()) as said:
        await eventually(lambda: any("start this worker again" in line for line in said))
    assert await world.state() == "running"
    assert await values(world) == {None}
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 0
    await worked(world, After())
    assert await values(world) == {70}
    await world.ends_well()


async def test_back_to_the_first_it_is_the_second_that_is_the_former(world: World) -> None:
    await worked(world, After())
    await done(world, "resume", "latest", "--accept-definition")
    await world.execute("UPDATE backfill_jobs SET changed_definition_hash = $1", Before().fingerprint())
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now()")
    await done(world, "pause", "latest")
    await done(world, "resume", "latest", "--accept-definition")
    row = (await world.fetch("SELECT definition_hash, former_definition_hashes FROM backfill_jobs"))[0]
    assert tuple(row) == (Before().fingerprint(), [After().fingerprint()])
    await world.ends_well(states=["resuming"])


async def test_with_the_setting_it_goes_on_and_says_so_once(world: World) -> None:
    said = await worked(world, After(), BACKFILL_ON_CHANGED_DEFINITION="warn")

    assert await values(world) == {70}
    told = [line for line in said if line.startswith("warning: the definition of doubler has changed since job")]
    assert len(told) == 1
    assert told[0].endswith(f"this worker has {After().fingerprint()}); going on, as it is set to")
    assert await world.value("SELECT DISTINCT definition_hash FROM backfill_partitions") == After().fingerprint()
    await world.ends_well()


async def test_what_no_worker_has_met_yet_is_accepted_of_the_next_one(world: World) -> None:
    """A job that was paused for a definition that could not work, and has been corrected."""
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now()")
    await done(world, "pause", "latest")
    await done(world, "resume", "latest", "--accept-definition")
    await worked(world, After())
    assert await values(world) == {70}
    assert await world.value("SELECT definition_hash FROM backfill_jobs") == After().fingerprint()
    await world.ends_well()


@pytest.mark.parametrize("theirs", ["", "0123456789abcdef"])
async def test_a_job_whose_definition_is_not_known_takes_that_of_its_first_worker(world: World, theirs: str) -> None:
    """Of a retry, and of a job that an older program has opened."""
    await world.execute("UPDATE backfill_jobs SET definition_hash = $1", theirs)
    await worked(world, After())
    assert await values(world) == {70}
    assert await world.value("SELECT definition_hash FROM backfill_jobs") == After().fingerprint()
    await world.ends_well()


async def test_what_failed_is_tried_again_with_the_definition_that_was_mended(world: World) -> None:
    await world.execute("UPDATE things SET base = 2000000000 WHERE id = 3")

    class Mended(Before):
        def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
            return {"value": min(record["base"], 1_000)}

    await world.execute("ALTER TABLE things ADD CONSTRAINT small CHECK (value < 10000)")
    await worked(world, Before())
    assert await world.value("SELECT count(*) FROM backfill_failures") == 1

    await done(world, "retry", "latest")
    await worked(world, Mended())

    assert await values(world) == {30, 1_000}
    await world.ends_well()

"""Whatever arrives in the queue: it goes to the dead queue with a reason, and the worker goes on."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from backfill.errors import ContractError
from backfill.message import decode
from backfill.modes import Priority
from tests.support.waiting import eventually
from tests.support.world import LASTING, World

JOB = "00000000-0000-4000-8000-000000000000"


def generated(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """Values that hypothesis makes of a strategy, the same ones in every run."""
    found: list[Any] = []

    @settings(max_examples=count, database=None, derandomize=True, deadline=None, phases=[Phase.generate])
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
FIELDS = {"version", "job", "backfill", "mode", "partition", "attempt", "count", "ids"}


def message(**changes: Any) -> bytes:
    """A body that is right but for the changes."""
    right = {"version": 1, "job": JOB, "backfill": "counter", "mode": "all", "partition": "000000001", "ids": ["1"]}
    return json.dumps({name: value for name, value in (right | changes).items() if value is not ...}).encode()


def is_right(body: bytes) -> bool:
    try:
        return bool(decode(body))
    except ContractError:
        return False


BAD = {
    "not JSON": (b"{", "Invalid JSON"),
    "not UTF-8": (b"\xff\xfe\x00", "Invalid JSON"),
    "empty": (b"", "Invalid JSON"),
    "no object": (b"[1]", "object"),
    "a field is missing": (message(job=...), "job: Field required"),
    "an unknown version": (message(version=2), "version: Input should be 1"),
    "a job that is no id": (message(job="'; DROP TABLE backfill_jobs; --"), "job: "),
    "an unknown mode": (message(mode="most"), "mode: "),
    "a partition that is no number": (message(partition="1; DELETE FROM things"), "partition: "),
    "nested a thousand times": (b"[" * 30_000 + b"]" * 30_000, "Invalid JSON"),
    "another backfill": (message(backfill="doubler"), "is not the one of this queue"),
    "an unknown job": (message(), f"unknown job {JOB}"),
    "oversized": (message(ids=["x" * 250 + str(n) for n in range(2_000)]), "oversized: at most 65,536 bytes are read"),
}


async def test_every_bad_message_goes_to_the_dead_queue_with_its_reason(world: World) -> None:
    await world.rows(10)
    await world.queue("--mode=all", "--batch-size=10")
    await world.publish(*(body for body, _ in BAD.values()))

    await world.finish(**LASTING)

    dead = {one.body: str(one.headers["reason"]) for one in await world.dead()}
    for kind, (body, reason) in BAD.items():
        found = next(
            (text for cut, text in dead.items() if cut == body or (len(cut) > 1000 and body.startswith(cut))), ""
        )
        assert reason in found, f"{kind}: {found!r}"
    assert len(dead) == len(BAD)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    await world.ends_well(undecodable=len(BAD))


async def test_messages_that_name_a_job_but_not_what_it_is_go_to_the_dead_queue(world: World) -> None:
    await world.rows(10)
    job = str(await world.queue("--mode=all", "--batch-size=10"))
    await world.finish()
    await world.publish(message(job=job, mode="null"), message(job=job, partition="000000099"))

    await world.finish(**LASTING)

    reasons = {str(dead.headers["reason"]) for dead in await world.dead()}
    assert reasons == {f"job {job} is another backfill or mode", f"unknown partition 000000099 of job {job}"}
    for dead in await world.dead():
        assert dead.delivery_mode == 2
    await world.purge(world.topology.dead_queue)
    await world.ends_well()


async def test_a_thousand_fuzzed_messages_leave_a_worker_unharmed(world: World) -> None:
    await world.rows(20)
    await world.queue("--mode=all", "--batch-size=10")
    objects = generated(st.dictionaries(st.sampled_from(sorted(FIELDS)), JSON), 300)
    changed = generated(st.tuples(st.sampled_from(sorted(FIELDS)), JSON), 300)
    bodies = [
        *(json.dumps(value).encode() for value in objects),
        *(message(**{name: value}) for name, value in changed),
        *generated(st.binary(max_size=200), 250),
        *(json.dumps(value).encode() for value in generated(JSON, 150)),
    ]
    worker = world.worker(**LASTING)
    await eventually(lambda: "Prefetch" in worker.output)

    for start in range(0, len(bodies), 250):
        await world.publish(*bodies[start : start + 250])
    await eventually(world.queues_are_empty, deadline=60)
    await world.drain(worker)
    await world.finish(**LASTING)  # what the first was still sent as it was told to end

    dead = await world.dead()
    assert all("reason" in one.headers for one in dead)
    # Messages that hypothesis happens to get right are of an unknown job: two of them at once count as one.
    bad = [body for body in bodies if not is_right(body)]
    assert len(bad) > 700
    assert sorted(bad) == sorted(one.body for one in dead if not is_right(one.body))
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.ends_well(undecodable=len(dead))


async def test_ids_in_a_message_are_never_believed(world: World) -> None:
    # The ledger says which records a partition has; a forged wake-up can only wake.
    await world.rows(20)
    job = str(await world.queue("--mode=all", "--limit=10", "--batch-size=10"))
    await world.publish(message(job=job, ids=["20", "'; DELETE FROM things; --"]))

    await world.finish()

    assert await world.value("SELECT array_agg(id ORDER BY id) FROM things WHERE value = 1") == list(range(1, 11))
    await world.ends_well()


async def test_each_message_delivered_ten_times_and_shuffled_has_one_effect(world: World) -> None:
    await world.rows(100)
    await world.queue("--mode=all", "--batch-size=5")
    bodies = (await world.messages()) * 9
    random.Random(5).shuffle(bodies)
    await world.publish(*bodies[:90])
    await world.publish(*bodies[90:], priority=Priority.HIGH)

    workers = [world.worker("--concurrency=4") for _ in range(2)]
    await world.until_ended()
    for worker in workers:
        await world.drain(worker)
    await world.finish()

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()


def harm(name: str) -> Callable[[World], Any]:
    async def purge(world: World) -> None:
        await world.purge(world.topology.queue(Priority.NORMAL))

    async def delete(world: World) -> None:
        await world.delete_queue(world.topology.queue(Priority.NORMAL))

    return {"purged": purge, "deleted": delete}[name]


@pytest.mark.parametrize("what", ["purged", "deleted"])
async def test_when_the_queue_was_harmed_before_a_worker_came_everything_is_published_again(
    world: World, what: str
) -> None:
    await world.rows(100)
    await world.queue("--mode=all", "--batch-size=5")
    await harm(what)(world)

    await world.finish()

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()


@pytest.mark.parametrize("what", ["purged", "deleted"])
async def test_when_the_queue_is_harmed_while_a_worker_is_at_it_everything_is_done(world: World, what: str) -> None:
    world.definition = "Gated"
    await world.rows(100)
    await world.queue("--mode=all", "--batch-size=5")
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker("--concurrency=2", BACKFILL_LOCK_TIMEOUT_MS="60000")
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM backfill_partitions WHERE state = 'running'"))
        await harm(what)(world)
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.finish()
    await world.ends_well()


async def test_a_lost_retry_message_is_published_again_when_the_retry_is_due(world: World) -> None:
    world.definition = "Flaky"
    await world.rows(20)
    await world.execute("INSERT INTO outage VALUES ('away')")
    await world.queue("--mode=all", "--batch-size=20")
    first = world.worker("--burst", BACKFILL_RETRY_DELAYS="60,60,60,60,60")
    assert await first.wait() == 0, first.output
    assert "1 partitions wait for a retry until" in first.output
    await world.purge(world.topology.delay_queue(60_000))
    await world.execute("DELETE FROM outage")
    await world.let_retries_begin()

    await world.finish()

    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 2
    await world.ends_well()


def test_the_fuzz_is_the_same_in_every_run() -> None:
    assert generated(st.integers(), 20) == generated(st.integers(), 20)

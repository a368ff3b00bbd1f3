"""The example of labels: a column that a service computes, fifty records a call, with whatever comes between."""

from collections.abc import Set
from typing import Any

import pytest

from backfill.examples.service import data
from backfill.examples.service.misbehaviour import Misbehaviour
from tests.support.examples import counted, failures, numbers, served
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

TEXTS = (
    "A refund, please",
    "The pump is broken",
    "Thank you for %s",
    "Why?",
    "Nothing at all",
    "\u202einvoice \U0001f600",
)
RECORDS = 400
CALLS = RECORDS // 50
QUEUE = ("--batch-size=100", "-P", "rate=1000")


@pytest.fixture(autouse=True)
async def messages(world: World) -> None:
    world.definition = "backfill.examples.labels:MessageLabels"
    await world.execute("CREATE TABLE messages (id bigint PRIMARY KEY, text text, label text)")
    await world.execute(
        "INSERT INTO messages SELECT n, ($2::text[])[1 + n % array_length($2::text[], 1)] || ' ' || n "
        "FROM generate_series(1, $1::int) n",
        RECORDS,
        list(TEXTS),
    )


async def are_right(world: World, failed: Set[str] = frozenset(), skipped: int = 0) -> None:
    rows = await world.fetch("SELECT * FROM messages")
    for row in rows:
        is_left = row["text"] is None or str(row["id"]) in failed
        assert row["label"] == (None if is_left else data.label(row["text"])), row
    expected = {"updated": RECORDS - len(failed) - skipped, "skipped": skipped, "failed": len(failed)}
    assert counted(await numbers(world)) == {name: count for name, count in expected.items() if count}
    assert await failures(world) == failed
    await world.ends_well()


async def work(world: World, service: Any, **env: str) -> dict[str, Any]:
    await world.queue("-P", f"url={service.url}", *QUEUE)
    await world.finish(**env)
    status = await numbers(world)
    assert (status["calls_made"], status["calls_refused"]) == (service.counts.calls, service.counts.refused)
    return status


async def test_labels_are_asked_fifty_a_call(world: World) -> None:
    await world.execute("UPDATE messages SET text = NULL WHERE id = 7")
    async with served() as service:
        await work(world, service)
        assert service.counts.calls == CALLS
    await are_right(world, skipped=1)


async def test_a_refusal_in_the_middle_is_a_rest_and_no_attempt(world: World) -> None:
    async with served(rate=5) as service:
        await work(world, service)
        assert service.counts.refused > 0
        assert service.counts.served == CALLS
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    await are_right(world)


async def test_a_bad_record_among_fifty_fails_alone(world: World) -> None:
    await world.execute("UPDATE messages SET text = ' ' WHERE id IN (77, 230)")
    async with served() as service:
        await work(world, service)
        assert service.counts.calls <= CALLS + 2 * 12, "each fifty is halved until one is left"
    told = await world.value("SELECT error_message FROM backfill_failures WHERE record_id = '77'")
    assert "422" in told
    await are_right(world, failed={"77", "230"})


async def test_a_service_out_of_order_is_asked_again(world: World) -> None:
    async with served(misbehaviour=Misbehaviour(error=0.3, cut=0.2, seed=2)) as service:
        status = await work(world, service)
        assert service.counts.misbehaved.total() > 0
        assert status["retried_recovered"] > 0
        assert service.counts.calls == CALLS + service.counts.misbehaved.total()
    await are_right(world)


async def test_a_worker_that_is_killed_costs_the_calls_it_had_in_hand(world: World) -> None:
    async with served() as service:
        await world.queue("-P", f"url={service.url}", *QUEUE)
        victim = world.worker("--concurrency=1", failpoint="worker.after_compute=kill@2")
        await world.until_killed(victim)
        await world.let_leases_end(victim.pid)
        await eventually(lambda: world.value("SELECT count(*) = 100 FROM messages WHERE label IS NOT NULL"))
        await world.finish()
        assert service.counts.calls == CALLS + 2
    await are_right(world)

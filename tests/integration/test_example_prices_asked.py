"""The example of prices with its workers: what a service that misbehaves comes to, and how a fleet keeps its limit."""

from collections import Counter
from typing import Any

import pytest

from backfill.examples.service import data
from backfill.examples.service.misbehaviour import Dice, Misbehaviour
from tests.support.examples import Prices, Served, counted, numbers, served
from tests.support.operating import done
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

# Slow is an answer that comes when nobody waits for it any more: a worker waits for some seconds here.
EVERYTHING = Misbehaviour(slow=0.06, slow_seconds=30, error=0.25, garbage=0.1, cut=0.15, seed=3)
ATTEMPTS = 3
IMPATIENT = {"BACKFILL_RETRY_DELAYS": "0.2,0.2", "BACKFILL_PARTITION_SECONDS": "6"}


@pytest.fixture
async def prices(world: World) -> Prices:
    example = Prices()
    world.definition = example.app
    await example.prepare(world)
    return example


async def agrees(world: World, service: Served) -> None:
    """The ledger has counted the calls that the service has seen."""
    status, seen = await numbers(world), await service.told()
    assert (status["calls_made"], status["calls_refused"]) == (seen["calls"], seen["refused"])
    (limit,) = (await done(world, "limits", "--json")).json["limits"]
    assert (limit["calls"], limit["refusals"]) == (seen["calls"], seen["refused"])
    assert seen["bans"] == 0


def foretold(misbehaviour: Misbehaviour, keys: int, attempts: int) -> tuple[dict[str, str], Counter[str]]:
    """What becomes of each key, as the same seed does the same to a key's first, second and third call; and calls."""
    dice, found, counts = Dice(misbehaviour), dict[str, str](), Counter[str]()
    for key in map(str, range(1, keys + 1)):
        for attempt in range(1, attempts + 1):
            counts["calls"] += 1
            fault = dice.fault(f"/prices/{key}")
            if fault == "cut" and not data.price(int(key)):
                fault = None  # there is no answer to cut
            found[key] = "failed" if fault else "updated" if data.price(int(key)) else "skipped"
            if fault in (None, "garbage"):  # the latter would be no better later
                counts["recovered"] += attempt > 1 and fault is None
                counts["given_up"] += attempt > 1 and fault is not None
                break
        else:
            counts["given_up"] += 1
    return found, counts


async def test_each_key_ends_with_the_truth_whatever_the_service_does(world: World, prices: Prices) -> None:
    expected, counts = foretold(EVERYTHING, prices.keys, ATTEMPTS)
    failed = {key for key, end in expected.items() if end == "failed"}
    assert {"updated", "skipped", "failed"} == set(expected.values())
    async with served(misbehaviour=EVERYTHING) as service:
        await world.queue(*prices.arguments(service.url, batch_size=10))
        await world.finish("--concurrency=6", **IMPATIENT)
        await agrees(world, service)
        assert service.counts.calls == counts["calls"]
        assert set(service.counts.misbehaved) == {"slow", "error", "garbage", "cut"}
    await prices.is_right(world, without=failed)
    status = await numbers(world)
    assert status["retried_recovered"] == counts["recovered"]
    assert status["retried_failed"] == counts["given_up"]
    kinds = await world.value("SELECT array_agg(DISTINCT error_class) FROM backfill_failures")
    assert set(kinds) == {"TransientError", "ValidationError"}
    await world.ends_well()


async def test_asked_again_nothing_is_sent_twice_and_nothing_is_updated(world: World, prices: Prices) -> None:
    async with served() as service:
        await world.queue(*prices.arguments(service.url))
        worker = world.worker()
        await world.until_ended()
        before = await world.fetch("SELECT type_id, sell, as_of, etag FROM market_prices ORDER BY 1")
        await world.queue(*prices.arguments(service.url), "-P", "maximum_age=PT0S")
        await world.until_ended()
        await world.drain(worker)
        assert counted(await numbers(world)) == {"unchanged": len(before), "skipped": prices.keys - len(before)}
        assert service.counts.calls == 2 * prices.keys
    assert before == await world.fetch("SELECT type_id, sell, as_of, etag FROM market_prices ORDER BY 1")
    await world.ends_well()


@pytest.mark.parametrize(("lie", "seconds"), [("zero", 1), ("past", 1), ("nonsense", 5), ("day", 900)])
async def test_a_retry_after_that_lies_makes_a_rest_within_bounds(world: World, lie: Any, seconds: float) -> None:
    prices = Prices(keys=5)
    world.definition = prices.app
    await prices.prepare(world)
    async with served(rate=3, misbehaviour=Misbehaviour(lie=1, lies=(lie,))) as service:
        await world.queue(*prices.arguments(service.url, rate=50))
        worker = world.worker("--concurrency=1")
        rest = "SELECT (details->>'seconds')::float8 FROM backfill_events WHERE event = 'limit.held'"
        assert await eventually(lambda: world.value(rest)) == pytest.approx(seconds, abs=0.01)
        if lie == "day":  # somebody knows better
            reason = await eventually(lambda: world.value("SELECT max(held_reason) FROM backfill_partitions"))
            assert reason.startswith("rests for the limit of market_prices until")
            assert reason.endswith(": 429 Too Many Requests")
            await world.execute("UPDATE backfill_limits SET held_until = now(), next_at = now()")
        await world.until_ended()
        await world.drain(worker)
        await agrees(world, service)
        assert service.counts.calls == prices.keys + service.counts.refused
    await prices.is_right(world)
    await world.ends_well()


async def test_a_fleet_that_is_refused_once_stays_below_what_the_service_allows(world: World, prices: Prices) -> None:
    """Its definition says a little more than is true."""
    async with served(rate=20) as service:
        await world.queue(*prices.arguments(service.url, rate=25))
        workers = [world.worker() for _ in range(3)]
        await world.until_ended()
        for worker in workers:
            await world.drain(worker)
        await agrees(world, service)
        refused = service.counts.refused
        assert 1 <= refused <= 12, "all workers heard of the first refusal within a quarter of a second"
        assert service.counts.calls == prices.keys + refused
    assert await world.value("SELECT count(*) FROM backfill_events WHERE event = 'limit.held'") == 1
    await prices.is_right(world)
    await world.ends_well()


async def test_a_rate_that_is_far_too_high_is_halved_until_the_service_agrees(world: World) -> None:
    prices = Prices(keys=16)
    world.definition = prices.app
    await prices.prepare(world)
    async with served(rate=3) as service:
        await world.queue(*prices.arguments(service.url, rate=20))
        workers = [world.worker() for _ in range(3)]
        await world.until_ended()
        for worker in workers:
            await world.drain(worker)
        await agrees(world, service)
        assert service.counts.calls == prices.keys + service.counts.refused
    rests = await world.value("SELECT count(*) FROM backfill_events WHERE event = 'limit.held'")
    (limit,) = (await done(world, "limits", "--json")).json["limits"]
    assert 2 <= rests <= 4, "20, 10, 5: and below 3 nobody refuses"
    assert limit["rate"] == 20
    assert limit["allowed_rate"] <= 5
    await prices.is_right(world)
    await world.ends_well()

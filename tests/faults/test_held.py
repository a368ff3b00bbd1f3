"""A service that refuses calls is left alone by everybody; that is no attempt, and is shown."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from backfill import HeldError, Limit, TransientError
from backfill.workers import rounds
from tests.support.made_up import Made, queued, verdict, working
from tests.support.operating import done
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

MADE = "tests.support.made_up:Made"
Service = Callable[[str], Awaitable[None] | None]
LONG = 600.0  # seconds of a rest, which `let_go` ends: who looks at it late sees it all the same


@pytest.fixture
def calling(monkeypatch: pytest.MonkeyPatch) -> Callable[[Service], None]:
    """Let a service be called for each record before its value is computed, within the definition's limit."""
    compute = rounds.compute

    def serve(service: Service) -> None:
        async def computed(*arguments: Any, **options: Any) -> Any:
            ids, spending = arguments[2], arguments[5]
            for one in ids:
                while True:
                    try:
                        async with spending.call():
                            answer = service(one)
                            if answer is not None:
                                await answer
                        break
                    except HeldError as error:
                        await spending.held(error)
            return await compute(*arguments, **options)

        monkeypatch.setattr(rounds, "compute", computed)

    return serve


class Refusing:
    """Counts calls, and refuses those of some records, once each."""

    def __init__(self, *refused: str, seconds: float = LONG) -> None:
        self.calls: Counter[str] = Counter()
        self._refused = set(refused)
        self._seconds = seconds

    def __call__(self, record: str) -> Awaitable[None] | None:
        self.calls[record] += 1
        if record in self._refused:
            self._refused.remove(record)
            raise HeldError("429 Too Many Requests", self._seconds)
        return None


def ones(**parts: Any) -> Made:
    return Made(lambda _: {"value": 1}, table="things", **parts)


async def holds(world: World) -> bool:
    """Some partition says in the ledger that it rests, and its claim is kept."""
    found = await world.fetch(
        "SELECT held_reason, attempt_count FROM backfill_partitions WHERE state = 'running' AND held_since IS NOT NULL"
    )
    assert found
    assert "rests for the limit of made until" in found[0]["held_reason"]
    assert found[0]["held_reason"].endswith(" UTC: 429 Too Many Requests")
    return True


async def let_go(world: World) -> None:
    await world.execute("UPDATE backfill_limits SET held_until = clock_timestamp()")


async def let_go_until_ended(world: World) -> None:
    """However often the service still refuses a call."""

    async def ended() -> bool:
        await let_go(world)
        return bool(await world.value("SELECT bool_and(completed_at IS NOT NULL) FROM backfill_jobs"))

    await eventually(ended, interval=0.3, what="the end of every job")


async def no_attempt_was_counted(world: World) -> None:
    rows = await world.fetch("SELECT attempt_count, held_since, held_reason FROM backfill_partitions")
    assert {tuple(row) for row in rows} == {(1, None, None)}


async def is_given_back(world: World) -> bool:
    rows = await world.fetch("SELECT state, attempt_count FROM backfill_partitions WHERE completed_at IS NULL")
    assert rows
    assert {tuple(row) for row in rows} == {("pending", 0)}
    return True


async def begun(world: World, definition: Made, records: int = 20) -> None:
    world.definition = MADE
    await world.rows(records)
    await queued(world, definition, batch_size=10)


async def test_a_refused_call_rests_everybody_costs_no_attempt_and_is_counted_and_told(
    world: World, calling: Callable[[Service], None]
) -> None:
    service, definition = Refusing("3", "14"), ones(limit=Limit(rate=1000))
    calling(service)
    await begun(world, definition, 40)
    async with working(world, definition, concurrency=2):
        await eventually(lambda: holds(world))
        assert "; it rests for the limit of made until" in (await done(world, "status")).out
        listed = (await done(world, "limits", "--json")).json["limits"]
        assert [(one["name"], one["held_reason"]) for one in listed] == [("made", "429 Too Many Requests")]
        assert listed[0]["allowed_rate"] < listed[0]["rate"] == 1000
        await let_go_until_ended(world)

    assert (await verdict(world)).counts == {"updated": 40}
    await no_attempt_was_counted(world)
    status = (await done(world, "status", "--json")).json
    assert (status["calls_made"], status["calls_refused"]) == (service.calls.total(), 2)
    assert status["calls_made"] == 42
    assert "Calls: 42 made, 2 refused" in (await done(world, "status")).out
    job = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
    assert (job["calls_made"], job["calls_refused"]) == (42, 2)
    events = await world.fetch("SELECT * FROM backfill_events WHERE event = 'limit.held'")
    assert 1 <= len(events) <= 2
    assert {(one["backfill_job_id"], one["reason"]) for one in events} == {(job["id"], "429 Too Many Requests")}
    assert (await done(world, "limits", "--json")).json["limits"][0]["refusals"] == 2
    await world.ends_well()


async def test_a_claim_that_goes_on_after_a_rest_no_longer_says_that_it_is_held(
    world: World, calling: Callable[[Service], None]
) -> None:
    refusing, goes_on = Refusing("1"), asyncio.Event()

    def service(record: str) -> Awaitable[None] | None:
        refusing(record)
        return goes_on.wait() if record == "2" else None  # type: ignore[return-value]

    definition = ones(limit=Limit(rate=1000))
    calling(service)
    await begun(world, definition, 10)
    async with working(world, definition):
        await eventually(lambda: holds(world))
        await let_go(world)
        await eventually(
            lambda: world.value("SELECT state = 'running' AND held_since IS NULL FROM backfill_partitions")
        )
        goes_on.set()
        await world.until_ended()
    assert refusing.calls.total() == 11
    await no_attempt_was_counted(world)
    await world.ends_well()


@pytest.mark.parametrize("verb", ["pause", "cancel"])
async def test_a_job_that_is_not_wanted_any_more_is_given_back_soon(
    world: World, calling: Callable[[Service], None], verb: str
) -> None:
    definition = ones()  # without a limit, as a service may refuse all the same
    calling(Refusing("1", "11"))
    await begun(world, definition)
    async with working(world, definition, concurrency=2):
        await eventually(lambda: holds(world))
        await done(world, verb, "latest", *(["--reason=no"] if verb == "cancel" else []))
        await eventually(lambda: is_given_back(world), deadline=30)  # far less than it rests
        if verb == "pause":
            await done(world, "resume", "latest")
            await let_go_until_ended(world)
            assert (await verdict(world)).counts == {"updated": 20}
            await no_attempt_was_counted(world)
    job = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
    assert job["calls_made"] == await world.value("SELECT sum(calls_made)::bigint FROM backfill_partitions") > 0
    assert job["calls_refused"] >= 1
    await world.ends_well(states=("completed", "cancelled"))


async def test_a_worker_that_stops_gives_back_at_once_what_waits(
    world: World, calling: Callable[[Service], None]
) -> None:
    definition = ones(limit=Limit(rate=100))
    calling(Refusing("1"))
    await begun(world, definition)
    async with working(world, definition, concurrency=2, BACKFILL_DRAIN_SECONDS="300"):
        await eventually(lambda: holds(world))
        began = time.monotonic()
    assert time.monotonic() - began < 60  # far less than this worker may take to drain
    assert await is_given_back(world)
    calling(Refusing())
    await let_go(world)
    async with working(world, definition):
        await world.until_ended()
    assert (await verdict(world)).counts == {"updated": 20}
    await no_attempt_was_counted(world)
    await world.ends_well()


async def test_a_turn_that_is_far_away_is_told_as_well(world: World, calling: Callable[[Service], None]) -> None:
    definition = ones(limit=Limit(rate=0.2, name="slow"))
    calling(Refusing())
    await begun(world, definition, 2)
    told = "SELECT held_reason = 'waits for its turn in the limit of slow' FROM backfill_partitions"
    async with working(world, definition):
        await eventually(lambda: world.value(told))
        assert await world.value("SELECT count(*) FROM backfill_limits WHERE name = 'slow' AND rate = 0.2") == 1
        await world.until_ended()
    await no_attempt_was_counted(world)
    await world.ends_well()


async def test_a_rest_outlives_the_lease_and_the_loss_of_every_session(
    world: World, calling: Callable[[Service], None]
) -> None:
    definition = ones(limit=Limit(rate=1000))
    calling(Refusing("1"))
    await begun(world, definition)
    async with working(world, definition, concurrency=2, BACKFILL_LEASE_SECONDS="6"):
        await eventually(lambda: holds(world))
        until = time.monotonic() + 7  # longer than the lease
        await world.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'worker %'"
        )
        await eventually(lambda: time.monotonic() > until)
        await let_go(world)
        await world.until_ended()
    assert (await verdict(world)).counts == {"updated": 20}
    await no_attempt_was_counted(world)
    await world.ends_well()


async def test_records_that_came_to_an_end_after_a_failed_try_are_counted_as_such(world: World) -> None:
    tries: Counter[int] = Counter()

    def compute(record: Mapping[str, Any]) -> Mapping[str, Any]:
        tries[record["id"]] += 1
        if record["id"] == 3 or (record["id"] in (1, 2) and tries[record["id"]] < 3):
            raise TransientError("not yet")
        if record["id"] == 4:
            raise ValueError("never")
        return {"value": 1}

    world.definition = MADE
    await world.rows(20)
    definition = Made(compute, table="things")
    await queued(world, definition, batch_size=10, BACKFILL_RETRY_DELAYS="0.1,0.1,0.1")
    async with working(world, definition, BACKFILL_RETRY_DELAYS="0.1,0.1,0.1"):
        await world.until_ended()
    assert (await verdict(world)).counts == {"updated": 18, "failed": 2}
    status = (await done(world, "status", "--json")).json
    assert (status["retried_recovered"], status["retried_failed"]) == (2, 1)
    job = (await world.fetch("SELECT retried_recovered, retried_failed FROM backfill_jobs"))[0]
    assert tuple(job) == (2, 1)
    assert "Tried again: 2 records recovered, 1 failed at last" in (await done(world, "status")).out
    assert await world.value("SELECT count(*) FROM backfill_partitions WHERE retried_ids IS NOT NULL") == 0
    await world.ends_well()


async def test_a_partition_that_is_tried_again_as_a_whole_recovers_as_a_whole(world: World) -> None:
    tries = 0

    async def load(connection: Any, keys: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise TransientError("away")
        return await connection.fetch("SELECT id FROM things WHERE id = ANY($1)", keys)

    world.definition = MADE
    await world.rows(10)
    definition = Made(lambda _: {"value": 1}, table="things", load=load)
    await queued(world, definition, batch_size=10, BACKFILL_RETRY_DELAYS="0.1,0.1,0.1")
    async with working(world, definition, BACKFILL_RETRY_DELAYS="0.1,0.1,0.1"):
        await world.until_ended()
    found = await world.fetch("SELECT retried_recovered, retried_failed, attempt_count FROM backfill_partitions")
    assert [tuple(row) for row in found] == [(10, 0, 3)]
    await world.ends_well()


async def test_an_error_in_a_call_is_the_callers_and_the_turn_is_over(
    world: World, calling: Callable[[Service], None]
) -> None:
    definition = ones(limit=Limit(concurrency=1))

    def service(record: str) -> None:
        if record == "5" and not seen:
            seen.append(record)
            raise TransientError("reset by peer")

    seen: list[str] = []
    calling(service)
    await begun(world, definition, 10)
    async with working(world, definition):
        await world.until_ended()
    assert (await verdict(world)).counts == {"updated": 10}
    assert await world.value("SELECT calls_made FROM backfill_jobs") == 15
    await world.ends_well()

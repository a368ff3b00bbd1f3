"""Limits on calls, kept by all workers together."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from backfill import database as databases_of_ours
from backfill.database import Pool
from backfill.ledger import limits
from backfill.limit import Limit
from backfill.workers.limits.budget import Budget
from benchmarks.spenders import Spent
from tests.support import databases, pooler, spending
from tests.support.operating import ask, done
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

JOB = uuid4()
NAME = "service"
SECONDS = 3.0
TRIES = 4  # on a machine that has other things to do


@asynccontextmanager
async def pooled(url: str, *, tenant: str = "default") -> AsyncIterator[Pool]:
    async with databases_of_ours.pooled(
        url, name="test", tenant=tenant, size=4, statement_timeout_ms=10_000, lock_timeout_ms=5_000
    ) as pool:
        yield pool


@asynccontextmanager
async def budgets(
    url: str, count: int, limit: Limit | None = None, *, lease: float = 60.0
) -> AsyncIterator[list[Budget]]:
    """As many workers have them, each with connections of its own."""
    async with AsyncExitStack() as stack:
        made = [Budget(await stack.enter_async_context(pooled(url)), uuid4(), lease, NAME, limit) for _ in range(count)]
        yield made
        for budget in made:
            await budget.close()


async def called(budget: Budget) -> float:
    """When a call could be made."""
    turn = budget.turn()
    try:
        await asyncio.wait_for(asyncio.shield(turn), 20)
        return time.monotonic()
    finally:
        budget.leave(turn)


async def row(url: str) -> asyncpg.Record:
    found: asyncpg.Record = (await databases.fetch(url, "SELECT * FROM backfill_limits"))[0]
    return found


async def never_faster(url: str, limit: Limit, **asked: Any) -> list[Spent]:
    """What processes do that are never faster than the limit."""
    assert limit.rate
    found = await spending.spent(url, limit, **asked)
    # A call of which the machine keeps its process begins behind its turn: by so much more may be in a second.
    late = max(one.late for one in found)
    assert spending.worst_window(spending.begins(found)) <= limit.rate * (1.05 + late) + limit.burst
    return found


async def at_its_rate(url: str, limit: Limit, **asked: Any) -> list[Spent]:
    """The same, and no slower in half a second that they have."""
    assert limit.rate
    reached = []
    for _ in range(TRIES):
        found = await never_faster(url, limit, **asked)
        reached.append(spending.quickest(spending.begins(found), max(2, int(limit.rate / 2))) / limit.rate)
        if reached[-1] > 0.95:
            return found
    raise AssertionError(f"of the rate they have reached {reached}")


def asked_a_second(found: list[Spent]) -> float:
    """Questions, by the time that they had: where the machine stands still it is more than they were given."""
    moments = [moment for one in found for call in one.calls for moment in call]
    return sum(one.asked for one in found) / max(SECONDS, max(moments) - min(moments))


@pytest.mark.parametrize(("rate", "processes"), [(1000, 1), (50, 6), (1000, 6)])
async def test_the_fleet_keeps_its_rate_whatever_the_number_of_processes(
    database: str, rate: int, processes: int
) -> None:
    callers = max(20, rate // processes // 4)
    found = await at_its_rate(database, Limit(rate=rate), processes=processes, callers=callers, seconds=SECONDS)
    assert min(len(one.calls) for one in found) > 0
    assert asked_a_second(found) < 12 * processes  # whatever the rate


async def test_a_process_that_stood_still_makes_up_for_nothing(database: str) -> None:
    rate = 100
    running = await spending.started(database, Limit(rate=rate), processes=2, callers=50, seconds=4.0)
    begin = await spending.begin(*running)
    for after in (1.0, 2.2):
        await asyncio.sleep(begin + after - time.monotonic())
        running[0].send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.7)
        running[0].send_signal(signal.SIGCONT)
    found = [await spending.result(one) for one in running]
    assert all(one.calls for one in found)
    # The other one was not stopped: what kept its calls was the machine.
    assert spending.worst_window(spending.begins(found)) <= rate * (1.05 + found[1].late) + 1


async def test_a_burst_comes_at_once_and_only_after_a_pause(database: str) -> None:
    at_once = []
    for _ in range(TRIES):
        async with budgets(database, 1, Limit(rate=2, burst=5)) as (budget,):
            times = await asyncio.gather(*(called(budget) for _ in range(7)))
        at_once.append(spending.worst_window(sorted(times), 0.45))
        assert at_once[-1] <= 5
        if at_once[-1] == 5:
            return
        await databases.execute(database, "DELETE FROM backfill_limits")
    raise AssertionError(f"of a burst of 5 there came at once {at_once}")


async def test_a_sequential_caller_has_the_whole_rate(database: str) -> None:
    await at_its_rate(database, Limit(rate=200), processes=1, callers=1, seconds=SECONDS)


async def test_a_slow_rate_costs_no_more_than_looks(database: str) -> None:
    found = await at_its_rate(database, Limit(rate=2), processes=1, callers=3, seconds=SECONDS)
    assert asked_a_second(found) < 8


async def test_one_refused_call_rests_all_workers_and_the_rest_is_told(database: str) -> None:
    async with budgets(database, 2, Limit(rate=100)) as (one, other):
        await asyncio.gather(called(one), called(other))
        before = time.monotonic()
        await one.refuse(JOB, 1.5, "429 Too Many\nRequests")
        refused = time.monotonic()
        times = await asyncio.gather(*(called(one) for _ in range(5)), *(called(other) for _ in range(40)))
        later = [moment for moment in times if moment - refused > 0.3]
        assert len(later) >= 5  # both heard of it within a quarter of a second
        assert min(later) - before > 1.4
        assert other.rest is None
        assert (await row(database))["held_reason"] == "429 Too Many\\nRequests"


async def test_a_turn_of_long_ago_is_not_used_during_a_rest_of_which_nothing_was_heard(database: str) -> None:
    async with budgets(database, 2, Limit(rate=0.25)) as (one, other):
        await called(one)
        turn = other.turn()
        await eventually(lambda: len(other._turns) == 1)
        due = other._turns.next
        assert due is not None
        await one.refuse(JOB, 60, "429")
        async with databases_of_ours.connected(database, name="locker") as locker, locker.transaction():
            await locker.execute("LOCK TABLE backfill_limits")
            await eventually(lambda: asyncio.get_running_loop().time() > due + 0.1)
            assert not turn.done()
        await eventually(lambda: other.rest is not None, what="that the other heard of the rest")
        assert not turn.done()
        other.leave(turn)


async def test_the_last_calls_of_a_worker_that_ends_are_counted(database: str) -> None:
    async with budgets(database, 2, Limit(rate=500)) as (one, other):
        await asyncio.gather(*(called(one) for _ in range(30)), *(called(other) for _ in range(7)))
    assert (await row(database))["calls"] == 37


async def test_a_limit_that_nobody_declared_rests_too_and_costs_nothing_before(database: str) -> None:
    async with budgets(database, 2) as (one, other):
        await asyncio.gather(*(called(one) for _ in range(200)))
        assert not await databases.fetch(database, "SELECT FROM backfill_limits")
        assert one.asked == 1
        await other.refuse(JOB, 60, "503")
        await eventually(lambda: one.look() and one.rest is not None, what="that the other heard of the rest")
        rests = one.look()
        assert not rests.done()
        await databases.execute(database, "UPDATE backfill_limits SET held_until = clock_timestamp()")
        await asyncio.wait_for(rests, 20)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (86_400, 900), (float("inf"), 900), (0, 1), (-5, 1), (float("nan"), 1), ("soon", 1), (None, 1),
        (float("-inf"), 1), (30, 30), ("30", 30),
    ],
)  # fmt: skip
async def test_what_a_service_asks_for_has_bounds(database: str, asked: object, seconds: float) -> None:
    async with pooled(database) as pool, pool.acquire() as connection:
        rest = await limits.rest(connection, NAME, JOB, asked, "why")
        assert rest.seconds == pytest.approx(seconds, abs=0.01)


async def test_a_shorter_rest_never_ends_a_longer_one(database: str) -> None:
    async with pooled(database) as pool, pool.acquire() as connection:
        await limits.rest(connection, NAME, JOB, 60, "long")
        assert (await limits.rest(connection, NAME, JOB, 1, "short")).seconds > 50
        assert (await limits.rest(connection, NAME, JOB, 600, "longer")).seconds > 590
    assert (await row(database))["held_reason"] == "longer"


async def test_a_rest_halves_the_rate_once_and_leaves_one_event(database: str) -> None:
    async with budgets(database, 1, Limit(rate=64)) as (budget,):
        await called(budget)
        await asyncio.gather(*(budget.refuse(JOB, 30, f"reason {n}") for n in range(20)))
        found = await row(database)
        assert (found["allowed_rate"], found["refusals"]) == (32, 20)
        for _ in range(10):
            await databases.execute(database, "UPDATE backfill_limits SET held_until = clock_timestamp()")
            await budget.refuse(JOB, 30, "again")
        assert (await row(database))["allowed_rate"] == 1  # never below a 64th
    events = await databases.fetch(database, "SELECT * FROM backfill_events ORDER BY id")
    assert [(one["event"], one["backfill_job_id"]) for one in events] == [("limit.held", JOB)] * 11
    assert events[0]["reason"].startswith("reason")
    assert '"seconds": 30' in events[0]["details"]


async def slowed(url: str, rate: float, seconds: int) -> datetime:
    """As if the limit had this rate since the last rest ended, so long ago; when that was."""
    (found,) = await databases.fetch(
        url,
        f"UPDATE backfill_limits SET allowed_rate = {rate}, held_until = clock_timestamp() - interval '{seconds} s', "
        f"raised_at = clock_timestamp() - interval '{seconds} s' RETURNING raised_at",
    )
    begun: datetime = found["raised_at"]
    return begun


def steps(begun: datetime, found: asyncpg.Record) -> int:
    """In how many steps of five seconds the rate was raised since: two in eleven seconds, more where it took longer."""
    return round((found["raised_at"] - begun).total_seconds() / 5)


async def test_the_rate_creeps_up_again_while_nothing_is_refused(database: str) -> None:
    async with budgets(database, 1, Limit(rate=100)) as (budget,):
        await called(budget)
        begun = await slowed(database, 50, 11)
        await asyncio.gather(*(called(budget) for _ in range(40)))
        found = await row(database)
        assert found["allowed_rate"] == pytest.approx(50 + 5 * steps(begun, found))
        assert found["raised_at"] > begun
        await databases.execute(database, "UPDATE backfill_limits SET raised_at = clock_timestamp() - interval '1 h'")
        await asyncio.gather(*(called(budget) for _ in range(40)))
        assert (await row(database))["allowed_rate"] == 100


async def test_a_limit_that_is_not_adaptive_keeps_its_rate(database: str) -> None:
    async with budgets(database, 1, Limit(rate=64, adaptive=False)) as (budget,):
        await called(budget)
        await budget.refuse(JOB, 1, "429")
        assert (await row(database))["allowed_rate"] == 64


async def test_another_rate_of_the_definition_is_the_rows_and_turns_far_away_come_nearer(database: str) -> None:
    async with budgets(database, 1, Limit(rate=0.01)) as (budget,):
        await called(budget)
        waiting = asyncio.create_task(called(budget))
        await eventually(lambda: len(budget._turns) == 1)
        budget.limit = Limit(rate=20, concurrency=4)
        await waiting  # not the hundred seconds that it was to wait
        found = await row(database)
        assert (found["rate"], found["allowed_rate"], found["concurrency"]) == (20, 20, 4)


async def test_calls_are_counted_whatever_there_is_to_ask(database: str) -> None:
    async with budgets(database, 1, Limit(rate=500)) as (budget,):
        await asyncio.gather(*(called(budget) for _ in range(123)))

        async def counted() -> bool:
            return bool((await row(database))["calls"] == 123)

        await eventually(counted)
        await eventually(lambda: budget._asking is None, what="the answer that all are counted")
        asked = budget.asked
        await asyncio.sleep(0.6)
        assert budget.asked == asked  # idle, it asks for nothing


# --- calls under way at once


@pytest.mark.parametrize(("concurrency", "processes", "call_seconds"), [(5, 3, 0.05), (2, 5, 0.05), (1, 3, 0.3)])
async def test_no_more_calls_are_under_way_than_allowed_and_no_worker_starves(
    database: str, concurrency: int, processes: int, call_seconds: float
) -> None:
    seconds = 10.0 if concurrency < processes else 6.0
    found = await spending.spent(
        database, Limit(concurrency=concurrency), processes=processes, callers=4, seconds=seconds,
        call_seconds=call_seconds,
    )  # fmt: skip
    assert spending.most_at_once(found) <= concurrency
    assert min(len(one.calls) for one in found) > 0
    calls = [call for one in found for call in one.calls]
    whole = max(ended for _, ended in calls) - min(began for began, _ in calls)
    assert sum(ended - began for began, ended in calls) > 0.5 * concurrency * whole


async def test_permits_of_a_killed_process_come_back_with_its_lease_and_not_before(database: str) -> None:
    limit, asked = Limit(concurrency=2), {"callers": 2, "seconds": 60, "call_seconds": 60, "lease_seconds": 2}
    (killed,) = await spending.started(database, limit, processes=1, **asked)
    await spending.begin(killed)
    held = "SELECT coalesce(sum(permits), 0) = 2 FROM backfill_limit_shares"
    await eventually(lambda: databases.value(database, held))
    killed.kill()
    await killed.wait()
    ends = await databases.value(database, "SELECT max(expires_at) FROM backfill_limit_shares")
    async with budgets(database, 1, limit, lease=2) as (budget,):
        await called(budget)
        assert await databases.value(database, "SELECT clock_timestamp()") >= ends


async def test_a_worker_that_ends_leaves_its_permits_to_others(database: str) -> None:
    async with budgets(database, 2, Limit(concurrency=1)) as (one, other):
        turn = one.turn()
        await asyncio.wait_for(asyncio.shield(turn), 20)
        waiting = asyncio.create_task(called(other))
        await eventually(lambda: databases.value(database, "SELECT count(*) = 2 FROM backfill_limit_shares"))
        assert not waiting.done()
        one.leave(turn)
        assert await waiting
        await eventually(lambda: databases.value(database, "SELECT count(*) = 0 FROM backfill_limit_shares"))


async def test_no_new_call_begins_once_the_lease_has_ended(database: str) -> None:
    async with budgets(database, 1, Limit(concurrency=2), lease=1) as (budget,):
        await called(budget)
        async with databases_of_ours.connected(database, name="locker") as locker, locker.transaction():
            await locker.execute("LOCK TABLE backfill_limits")
            loop = asyncio.get_running_loop()
            await eventually(lambda: loop.time() > budget._permits_until, what="the end of the lease")
            assert not budget.turn().done()


# --- where it runs


async def test_tenants_have_limits_of_their_own(database: str) -> None:
    async with pooled(database) as ours, pooled(database, tenant="b") as theirs:
        one, other = (Budget(pool, uuid4(), 60, NAME, Limit(rate=0.01)) for pool in (ours, theirs))
        await asyncio.gather(called(one), called(other))
        await one.refuse(JOB, 60, "429")
        async with theirs.acquire() as connection:
            assert [found["held_until"] for found in await limits.listed(connection)] == [None]
        await one.close()
        await other.close()


@pytest.mark.usefixtures("pooler")
async def test_a_limit_holds_through_a_pooler(database: str) -> None:
    async with pooler.pgbouncer(database, size=2) as url:
        found = await never_faster(url, Limit(rate=50, concurrency=10), processes=3, callers=20, seconds=SECONDS)
    assert spending.begins(found)
    assert await databases.value(database, "SELECT current_setting('synchronous_commit')") == "on"


async def test_an_error_of_the_database_reaches_whoever_waits(database: str) -> None:
    async with budgets(database, 1, Limit(rate=10)) as (budget,):
        await called(budget)
        await databases.execute(database, "ALTER TABLE backfill_limits RENAME TO elsewhere")
        with pytest.raises(asyncpg.UndefinedTableError):
            await asyncio.gather(*(called(budget) for _ in range(5)))
        await databases.execute(database, "ALTER TABLE elsewhere RENAME TO backfill_limits")
        await called(budget)


async def test_a_worker_of_the_roles_may_do_all_of_it_and_a_reader_looks(world: World) -> None:
    await world.execute("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
    await done(world, "init", "--roles")
    await world.execute("SELECT set_config('app.current_tenant', 'default', false); SET ROLE backfill_worker")
    asked: dict[str, Any] = {"turns": 1, "made": 1, "under_way": 0, "wanted": 1}
    granted = await limits.take(world.connection, NAME, Limit(rate=5, concurrency=3), uuid4(), 60, **asked)
    assert (granted.granted, granted.permits, granted.step) == (1, 1, 0.2)
    await limits.rest(world.connection, NAME, JOB, 60, "429")
    await limits.leave(world.connection, uuid4())
    await world.execute("SET ROLE backfill_reader")
    assert [found["name"] for found in await limits.listed(world.connection)] == [NAME]
    await world.execute("RESET ROLE")


# --- a rest that is too long


async def test_an_operator_lets_a_limit_go_that_rests(world: World) -> None:
    job = uuid4()
    async with budgets(world.database, 1, Limit(rate=50)) as (budget,):
        await called(budget)
        await budget.refuse(job, 900, "429")
        waiting = asyncio.create_task(called(budget))
        answer = await done(world, "limits", "release", NAME, "--reason=it answers")
        assert f"Limit {NAME} rests no longer; it would have until" in answer.out
        assert answer.out.endswith("UTC: 429\n")
        await waiting
        assert (await row(world.database))["allowed_rate"] == 25
    assert (await done(world, "limits", "--json")).json["limits"][0]["held_until"] is None
    again = (await done(world, "limits", "release", NAME, "--json")).json
    assert (again["changed"], again["text"]) == (False, f"Limit {NAME} does not rest.")
    unknown = await ask(world, "limits", "release", "nobody")
    assert (unknown.code, "no limit 'nobody'; see: backfill limits" in unknown.err) == (3, True)
    (event,) = await world.fetch("SELECT * FROM backfill_events WHERE event = 'limit.released'")
    assert (event["backfill_job_id"], event["reason"]) == (job, "it answers")
    assert event["actor"] not in ("", "worker")
    assert '"limit": "service"' in event["details"]


async def test_an_operator_of_the_roles_may(world: World) -> None:
    await done(world, "init", "--roles")
    await world.execute("SELECT set_config('app.current_tenant', 'default', false)")
    await limits.rest(world.connection, NAME, JOB, 900, "429")
    await world.execute("SET ROLE backfill_operator")
    assert await limits.release(world.connection, NAME, actor="ann", reason="")
    assert await world.value("SELECT held_until <= clock_timestamp() FROM backfill_limits")
    assert await world.value("SELECT actor FROM backfill_events WHERE event = 'limit.released'") == "ann"
    await world.execute("RESET ROLE")


# --- a rate that the service does not allow


async def test_below_the_rate_that_was_refused_it_stays_for_a_while(database: str) -> None:
    async def after(seconds: int) -> tuple[float, int]:
        """As if the last rest had ended so long ago."""
        begun = await slowed(database, 32, seconds)
        await asyncio.gather(*(called(budget) for _ in range(40)))
        found = await row(database)
        return found["allowed_rate"], steps(begun, found)

    async with budgets(database, 1, Limit(rate=100)) as (budget,):
        await called(budget)
        await databases.execute(database, "UPDATE backfill_limits SET allowed_rate = 64")
        await budget.refuse(JOB, 1, "429")
        assert (await row(database))["refused_rate"] == 64
        reached, raised = await after(11)
        assert reached == pytest.approx(min(32 + 5 * raised, 0.9 * 64))
        assert (await after(120))[0] == pytest.approx(0.9 * 64)
        assert (await after(181))[0] == 100


async def test_a_service_that_is_away_does_not_keep_the_rate_down(database: str) -> None:
    async with budgets(database, 1, Limit(rate=64)) as (budget,):
        await called(budget)
        for _ in range(8):
            await budget.refuse(JOB, 1, "503")
            await databases.execute(database, "UPDATE backfill_limits SET held_until = clock_timestamp()")
        found = await row(database)
        assert (found["allowed_rate"], found["refused_rate"]) == (1, 64)

"""Who has gone, and what is taken from whom: by each worker's own lease, whatever the one who asks is set to."""

import time
from datetime import datetime
from itertools import pairwise
from uuid import uuid4

from backfill.ledger import jobs, partitions, progress
from backfill.message import PartitionMessage
from backfill.modes import Mode
from tests.support.operating import ask, closed_gate, done, queued, until, until_held, working
from tests.support.waiting import eventually
from tests.support.world import World

SERVES = """
    INSERT INTO backfill_workers (id, host, pid, backfills, concurrency, prefetch, lease_seconds, heartbeat_at)
    VALUES ($1, 'elsewhere', 1, ARRAY[$2], 1, 3, $3, clock_timestamp() - make_interval(secs => $4))
"""


async def held_by(world: World, lease: float, silent: float) -> None:
    """Claim the first partition for a worker of that lease, last heard of so many seconds ago."""
    worker = uuid4()
    await world.execute(SERVES, worker, world.backfill, lease, silent)
    message = PartitionMessage(
        job_id=await world.job(), backfill=world.backfill, mode=Mode.ALL, partition_key="000000001", ids=("1",)
    )
    assert await partitions.claim(world.connection, message, worker, lease)


async def workers_of(world: World) -> list[progress.WorkerView]:
    now = await progress.read(world.connection, await world.job())
    return await progress.workers(world.connection, now)


async def test_a_worker_tells_its_lease(world: World) -> None:
    async with working(world, BACKFILL_LEASE_SECONDS="7"):
        await eventually(lambda: world.value("SELECT lease_seconds = 7 FROM backfill_workers"))


async def test_a_worker_beats_every_two_seconds_and_renews_its_leases_every_third_of_one(world: World) -> None:
    world.definition = "Gated"
    await world.rows(10)
    beats: set[datetime] = set()
    leases: set[datetime] = set()
    looks: list[float] = []
    async with working(world, BACKFILL_LEASE_SECONDS="3600"), closed_gate(world):
        await queued(world)
        await until_held(world, 1)

        async def has_beaten_again() -> bool:
            looks.append(time.monotonic())
            beats.add(await world.value("SELECT heartbeat_at FROM backfill_workers"))
            leases.add(await world.value("SELECT lease_expires_at FROM backfill_partitions WHERE state = 'running'"))
            return len(beats) > 3

        await eventually(has_beaten_again)
        apart = [(later - one).total_seconds() for one, later in pairwise(sorted(beats))]
        # The worker is in this process: while it stands still, so do these looks.
        stood_still = max(later - one for one, later in pairwise(looks))
        assert max(apart) < 4 + stood_still
        assert len(leases) <= 2  # renewed once at most, with the first beat behind the claim


async def test_what_workers_have_done_of_a_job_is_told_as_of_now(world: World) -> None:
    await world.rows(20)
    job = await queued(world)
    async with working(world):
        await until(world, "completed")
        assert [one.updated for one in await workers_of(world)] == [20]
        await jobs.roll_up(world.connection, job, anew=True)
        assert [one.updated for one in await workers_of(world)] == [20]


async def test_a_worker_is_judged_by_its_own_lease_not_by_that_of_the_caller(world: World) -> None:
    await world.rows(10)
    job = await queued(world)
    await held_by(world, lease=60, silent=10)
    hasty, patient = {"BACKFILL_LEASE_SECONDS": "1"}, {"BACKFILL_LEASE_SECONDS": "3600"}

    answer = await done(world, "reset-stuck", str(job), "--json", **hasty)
    assert answer.json["jobs"][0]["partitions"] == 0
    assert 'backfill_workers{backfill="counter"} 1.0' in (await done(world, "metrics", **hasty)).out
    assert len(await workers_of(world)) == 1

    await world.execute("UPDATE backfill_workers SET lease_seconds = 9")
    assert 'backfill_workers{backfill="counter"} 0.0' in (await done(world, "metrics", **patient)).out
    assert await workers_of(world) == []
    answer = await done(world, "reset-stuck", str(job), "--json", **patient)
    assert answer.json["jobs"][0]["partitions"] == 1
    # Its worker has gone, and may have died of it.
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 1


async def test_a_forced_reset_costs_no_attempt(world: World) -> None:
    await world.rows(10)
    job = await queued(world)
    await held_by(world, lease=60, silent=10)

    answer = await done(world, "reset-stuck", str(job), "--force", "--json")

    assert answer.json["jobs"][0]["partitions"] == 1
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 0


async def test_the_longest_partition_in_hand_counts_from_its_last_claim(world: World) -> None:
    await world.rows(10)
    await queued(world)
    await held_by(world, lease=60, silent=0)
    await world.execute("UPDATE backfill_partitions SET started_at = now() - interval '1 hour'")
    (worker,) = await workers_of(world)
    assert worker.longest_seconds is not None
    assert worker.longest_seconds < 60

    await world.execute("UPDATE backfill_partitions SET claimed_at = NULL")  # by a program from before
    (worker,) = await workers_of(world)
    assert worker.longest_seconds is not None
    assert worker.longest_seconds > 3_000


async def test_the_new_message_of_a_forced_reset_is_not_lost_in_the_worker_that_still_holds_it(world: World) -> None:
    world.definition = "Gated"
    await world.rows(10)
    # Lost messages are looked for so late that nothing else brings it back.
    async with working(world, concurrency=2, BACKFILL_RECONCILE_SECONDS="600") as workers:
        async with closed_gate(world):
            job = await queued(world)
            await until_held(world, 1)
            await done(world, "reset-stuck", str(job), "--force")
            await eventually(lambda: workers[0]._parts.upkeep.reconciled["republished"])
            # The second slot gets it, and finds that the first has lost its claim.
            await eventually(lambda: world.value("SELECT published_at IS NULL FROM backfill_partitions"))
        await until(world, "completed")
        assert workers[0].stats.fenced == 1
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 1
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10


async def test_a_worker_does_not_take_its_own_partition_away_after_a_moment_in_which_it_stood_still(
    world: World,
) -> None:
    world.definition = "Gated"
    await world.rows(20)
    ended = "UPDATE backfill_partitions SET lease_expires_at = clock_timestamp() - interval '1 s'"
    async with working(world, concurrency=1, BACKFILL_LEASE_SECONDS="60"):
        async with closed_gate(world):
            await queued(world)  # in two partitions
            await until_held(world, 1)
            await world.execute(f"{ended} WHERE state = 'running'")
            of_another = "worker_id = gen_random_uuid(), state = 'running'"
            await world.execute(f"{ended}, {of_another} WHERE state = 'pending'")
            freed = "SELECT interruptions = 1 FROM backfill_partitions WHERE partition_key = '000000002'"
            await eventually(lambda: world.value(freed))
            assert await world.value("SELECT interruptions FROM backfill_partitions WHERE state = 'running'") == 0
        await until(world, "completed")
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1


async def test_a_duplicate_of_what_is_in_hand_is_only_counted(world: World) -> None:
    world.definition = "Gated"
    await world.rows(10)
    async with working(world, concurrency=2) as workers:
        async with closed_gate(world):
            await queued(world)
            await until_held(world, 1)
            await world.publish(*await world.messages())
            await eventually(lambda: workers[0].stats.duplicates == 1)
            assert await world.value("SELECT published_at IS NOT NULL FROM backfill_partitions")
        await until(world, "completed")
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 1


async def test_the_query_of_workers_tells_who_runs(world: World) -> None:
    for lease in (60.0, 9.0):
        await world.execute(SERVES, uuid4(), "counter", lease, 10.0)
    answer = await ask(world, "list", "--json")
    assert answer.code == 0
    from backfill import statements

    rows = await world.fetch(statements.read("progress/workers"))
    assert sorted(row["is_running"] for row in rows) == [False, True]

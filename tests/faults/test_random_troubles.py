"""Many small troubles at random, in one process: whatever comes together, each record ends once, and is counted so.

TEST_SEEDS=1,2,3 plays others, TEST_SECONDS=4 for longer. What a seed gives is the setting; who meets whom is chance.
"""

import asyncio
import contextlib
import json
import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
import pytest

from backfill import Skip, TransientError
from backfill.errors import ConflictError
from backfill.ledger import operations
from backfill.modes import Mode
from backfill.workers.applying.portion import Portion
from tests.support.made_up import Made, queued, verdict, working
from tests.support.waiting import eventually
from tests.support.world import World

RECORDS = 300
SECONDS = float(os.environ.get("TEST_SECONDS", "1"))
SEEDS = [int(seed) for seed in os.environ.get("TEST_SEEDS", "3").split(",")]
ENV: dict[str, Any] = {
    "BACKFILL_RETRY_DELAYS": ",".join(["0.05"] * 5),
    "BACKFILL_LOCK_TIMEOUT_MS": "200",
    "BACKFILL_LEASE_SECONDS": "6",
    "BACKFILL_FAILED_SHARE": "1",
}
QUIET = (asyncpg.PostgresError, asyncpg.InterfaceError, ConflictError, OSError, TimeoutError)


class Troubles:
    """What somebody does to the table, the ledger and the sessions, one thing after another."""

    def __init__(self, world: World, chance: random.Random, job: Any) -> None:
        self._world, self._chance, self._job = world, chance, job

    async def run(self) -> None:
        async with asyncio.timeout(SECONDS), self._world.session() as session:
            while True:
                trouble: Callable[[Any], Awaitable[Any]] = self._chance.choice(
                    [
                        *(self.undo, self.undo, self.delete, self.write, self.touch, self.touch, self.hold, self.hold),
                        *(self.lock, self.end_a_session, self.reset, self.pause),
                    ]
                )
                with contextlib.suppress(*QUIET):
                    await trouble(session)
                await asyncio.sleep(self._chance.uniform(0, 0.03))

    def some(self) -> list[int]:
        return self._chance.sample(range(1, RECORDS + 1), self._chance.choice([1, 3, 20]))

    async def undo(self, session: Any) -> None:
        await session.execute("UPDATE things SET value = NULL WHERE id = ANY($1) AND value IS NOT NULL", self.some())

    async def delete(self, session: Any) -> None:
        await session.execute("DELETE FROM things WHERE id = ANY($1)", self.some()[:1])

    async def write(self, session: Any) -> None:
        await session.execute("UPDATE things SET value = 77 WHERE id = ANY($1)", self.some()[:3])

    async def touch(self, session: Any) -> None:
        await session.execute("UPDATE things SET extra = coalesce(extra, '') || 'x' WHERE id = ANY($1)", self.some())

    async def hold(self, session: Any) -> None:
        async with session.transaction():
            await session.execute("SELECT FROM things WHERE id = ANY($1) FOR UPDATE", self.some())
            await asyncio.sleep(self._chance.choice([0.01, 0.1, 0.3]))

    async def lock(self, session: Any) -> None:
        async with session.transaction():
            await session.execute("LOCK TABLE things")
            await asyncio.sleep(self._chance.choice([0.01, 0.15]))

    async def end_a_session(self, session: Any) -> None:
        await session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name LIKE 'worker %' ORDER BY random() LIMIT 1"
        )

    async def reset(self, session: Any) -> None:
        await operations.reset_stuck(session, self._job, actor="test", force=True)

    async def pause(self, session: Any) -> None:
        await operations.pause(session, self._job, actor="test")
        await operations.resume(session, self._job, actor="test")


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_comes_together_each_record_ends_once(
    world: World, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    size = chance.choice([3, 10, 1000])
    monkeypatch.setattr("backfill.workers.rounds.Portion", lambda: Portion(size))
    monkeypatch.setattr("backfill.workers.applying.portion.MOST", size)
    monkeypatch.setattr("backfill.workers.holding.KEPT_FOR_RECORDS", 0.1)
    monkeypatch.setattr("backfill.workers.holding.KEPT_FOR_A_TABLE", 0.1)
    monkeypatch.setattr("backfill.workers.holding.MOST_SECONDS", 0.3)
    monkeypatch.setattr("backfill.workers.holding.FEWEST_SECONDS", 0.05)
    world.definition = "tests.support.made_up:Made"
    await world.rows(RECORDS)

    loads, alone = 0, asyncio.Lock()
    is_open = chance.random() < 0.5  # to the end, which then counts what may be undone meanwhile

    async def load(connection: Any, keys: Sequence[Any]) -> Any:
        nonlocal loads
        loads += 1
        if chance.random() < 0.1:
            async with alone:
                await neighbour.execute("UPDATE things SET extra = 'y' WHERE id = $1", chance.choice(keys))
        if chance.random() < 0.01:
            raise TransientError("away")
        return await connection.fetch("SELECT * FROM things WHERE id = ANY($1)", keys)

    def compute(record: Mapping[str, Any]) -> Any:
        number, odds = record["id"], chance.random()
        if number % 29 == 0:
            return Skip("not for us")
        if number % 31 == 0:
            return {"value": 13}  # a constraint refuses it
        if number % 37 == 0:
            raise ValueError("cannot")
        if odds < 0.01:
            raise TransientError("not now")
        return {"value": None if number % 41 == 0 else 1}

    versions = "SELECT id, 1 AS v FROM labels_of WHERE id = ANY($1)"
    await world.execute("CREATE TABLE labels_of AS SELECT generate_series(1, 10) AS id")
    definition = Made(
        compute,
        load=load,
        table="things",
        version=chance.choice([(), ("extra", "value")]),
        inputs_version=chance.choice(["", versions]),
    )
    job = await queued(world, definition, mode=Mode.NULL, batch_size=chance.choice([7, 50, 500]))
    assert job
    interruptions, attempts = chance.choice([(0, 0), (3, 0), (8, 0), (0, 5), (0, 5)])
    await world.execute(
        "UPDATE backfill_partitions SET interruptions = $1, attempt_count = $2", interruptions, attempts
    )
    if not is_open:
        await world.execute("UPDATE backfill_jobs SET planned_at = NULL")
    async with world.session() as neighbour, working(world, definition, concurrency=3, **ENV):
        await eventually(lambda: loads > 0)
        with contextlib.suppress(TimeoutError):
            await Troubles(world, chance, job).run()
        with contextlib.suppress(ConflictError):  # perhaps the time was over between a pause and its end
            await operations.resume(world.connection, job, actor="test")
        await world.execute("UPDATE backfill_jobs SET planned_at = coalesce(planned_at, clock_timestamp())")
        await world.until_ended(60)

    ended = await verdict(world)
    (row,) = await world.fetch("SELECT left_reasons, records_left, upper_key FROM backfill_jobs")
    matching = await world.value("SELECT count(*) FROM things WHERE value IS NULL")
    assert is_open or row["records_left"] == matching, (row, ended)
    failed = set(map(int, ended.failed))
    nulls = {r["id"] for r in await world.fetch("SELECT id FROM things WHERE value IS NULL")}
    left = json.loads(row["left_reasons"])
    assert is_open or left.get("failed", 0) == len(nulls & failed), (left, ended)
    may_fail = {"TransientError"} | ({"ConflictError"} if attempts else set())
    wrong = {one for one in failed if one % 31 and one % 37 and ended.failed[str(one)][0] not in may_fail}
    assert not wrong, {one: ended.failed[str(one)] for one in wrong}
    forgotten = {one for one in nulls - failed if one % 29 and one % 41}
    assert is_open or len(forgotten) <= left.get("written", 0), (forgotten, left)
    await world.ends_well(states=("completed", "failed"))

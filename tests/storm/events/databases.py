"""What happens to PostgreSQL."""

import asyncio
from collections.abc import Callable
from random import Random

from tests.storm.storm import Storm

END = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE $1 AND random() < $2
"""


async def end_worker_sessions(storm: Storm, dice: Random) -> None:
    """Some sessions of workers, again and again."""
    for _ in range(dice.randint(1, 4)):
        await storm.fetch(END, "worker %", dice.choice([0.3, 1.0]))
        await asyncio.sleep(dice.uniform(0.05, 0.5))


async def end_all_sessions(storm: Storm, dice: Random) -> None:
    """Those of everybody, as a failover does."""
    await storm.fetch(END, "%", 1.0)


async def restart_postgres(storm: Storm, dice: Random) -> None:
    assert storm.place.postgres
    await _away(storm, storm.place.postgres.stop, storm.place.postgres.start, dice.choice([0.0, 1.0]))


async def crash_postgres(storm: Storm, dice: Random) -> None:
    assert storm.place.postgres
    await _away(storm, storm.place.postgres.kill9, storm.place.postgres.start, dice.choice([0.0, 1.0]))


async def _away(storm: Storm, end: Callable[[], None], start: Callable[[], None], seconds: float) -> None:
    async with storm.restarting:
        await asyncio.to_thread(end)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(start)

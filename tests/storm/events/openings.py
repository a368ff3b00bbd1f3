"""What the first worker is made to do: moments that chance would seldom meet."""

import asyncio
import contextlib
import signal
from random import Random
from typing import Any

from backfill.modes import Priority
from tests.storm.events.brokers import messages, send
from tests.storm.events.processes import LEASE_SECONDS
from tests.storm.storm import Storm
from tests.support.commands import Command
from tests.support.waiting import eventually
from tests.support.world import is_stopped

IN_HAND = """
    SELECT p.id, p.fence FROM backfill_partitions p JOIN backfill_workers w ON w.id = p.worker_id
    WHERE w.pid = $1 AND p.state = 'running'
"""
TAKEN_OVER = """
    SELECT w.pid FROM unnest($1::bigint[], $2::bigint[]) AS before (id, fence) JOIN backfill_partitions p USING (id)
    JOIN backfill_workers w ON w.id = p.worker_id
    WHERE p.state = 'running' AND p.fence > before.fence AND w.pid <> $3
"""


async def nothing(storm: Storm, dice: Random) -> None:
    """The first worker is like any other."""


async def worker_dies(storm: Storm, dice: Random) -> None:
    """Its failpoint kills it, or stops it for longer than its lease."""
    if "=stop" in storm.schedule.worker_failpoint and (one := await _stopped(storm)):
        await asyncio.sleep(dice.uniform(1.0, 4.0))
        one.kill(signal.SIGCONT)


async def overtaken(storm: Storm, dice: Random) -> None:
    """It stands between computing and writing while the application writes to all that it has computed."""
    if one := await _stopped(storm):
        connection = await storm.application.connect()
        try:
            what = dice.choice(["value", "input"])
            await storm.application.write_held(connection, what, 10_000)
        finally:
            connection.terminate()
            one.kill(signal.SIGCONT)


async def zombie(storm: Storm, dice: Random) -> None:
    """It stands between computing and writing past its lease, and goes on while another has its partition."""
    one = await _stopped(storm)
    if one is None:
        return
    other: Command | None = None
    try:
        async with storm.session("looker") as connection:
            held = await connection.fetch(IN_HAND, one.pid)
            ids, fences = [row["id"] for row in held], [row["fence"] for row in held]

            async def taken_over() -> Any:
                return await connection.fetchval(TAKEN_OVER, ids, fences, one.pid)

            # Behind all the other messages its partitions would come last, when it goes on by itself.
            await asyncio.sleep(1.2 * LEASE_SECONDS)
            await send(storm, await messages(storm, dice, ids), [Priority.HIGH], dice)
            with contextlib.suppress(AssertionError):
                pid = await eventually(taken_over, deadline=8, interval=0.005, what="another claim")
                other = storm.fleet.of(pid)
            if other is not None:
                other.kill(signal.SIGSTOP)
                storm.note(f"zombie {one.pid} goes on while {other.pid} holds one of {held}")
            else:
                storm.note(f"zombie {one.pid} holds {held}, and nobody has claimed them")
            one.kill(signal.SIGCONT)
            await asyncio.sleep(dice.uniform(1.0, 1.7))  # within the lease of the other
    finally:
        one.kill(signal.SIGCONT)
        if other is not None:
            other.kill(signal.SIGCONT)


async def _stopped(storm: Storm) -> Command | None:
    """The first worker, once its failpoint has stopped it; None when something else ended it before."""
    one = storm.fleet.workers[0]

    def stands() -> bool:
        return one.returncode is not None or is_stopped(one.pid)

    with contextlib.suppress(AssertionError):
        await eventually(stands, deadline=15)  # on a busy machine its start alone takes seconds
    return one if one.returncode is None else None

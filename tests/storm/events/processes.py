"""What happens to workers and producers."""

import asyncio
import signal
from random import Random

from tests.storm.storm import Storm

LEASE_SECONDS = 2.0


async def kill_worker(storm: Storm, dice: Random) -> None:
    if workers := storm.fleet.workers:
        storm.fleet.kill(dice.choice(workers))


async def drain_worker(storm: Storm, dice: Random) -> None:
    """A deployment: asked to end, and started again; perhaps asked twice."""
    if workers := storm.fleet.workers:
        one = dice.choice(workers)
        storm.fleet.kill(one, signal.SIGTERM)
        if dice.random() < 0.3:
            await asyncio.sleep(0.1)
            storm.fleet.kill(one, signal.SIGTERM)


async def stop_worker(storm: Storm, dice: Random) -> None:
    """A machine that is busy: shorter than a lease."""
    await _stopped(storm, dice, dice.uniform(0.2, 0.7 * LEASE_SECONDS))


async def freeze_worker(storm: Storm, dice: Random) -> None:
    """A machine that sleeps: longer than a lease."""
    await _stopped(storm, dice, dice.uniform(1.1, 1.8) * LEASE_SECONDS)


async def _stopped(storm: Storm, dice: Random, seconds: float) -> None:
    if workers := storm.fleet.workers:
        one = dice.choice(workers)
        one.kill(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        one.kill(signal.SIGCONT)


async def second_producer(storm: Storm, dice: Random) -> None:
    """Somebody queues the same records, or goes on with a job that he believes stopped."""
    await storm.queue(*(["--resume", "latest"] if dice.random() < 0.4 else storm.request()))

"""What operators do with the commands."""

import asyncio
from random import Random

from tests.storm.storm import Storm


async def pause_and_resume(storm: Storm, dice: Random) -> None:
    await storm.command("pause", "latest", "--reason=storm")
    await asyncio.sleep(dice.uniform(0.0, 1.0))
    await storm.command("resume", "latest")


async def set_job(storm: Storm, dice: Random) -> None:
    """Another way to work on it, and after a while the first one again."""
    change = dice.choice(
        [["--priority=high"], ["--max-workers=1"], ["--pause-ms=200"], ["--priority=high", "--pause-ms=50"]]
    )
    await storm.command("set", "latest", *change)
    await asyncio.sleep(dice.uniform(0.2, 1.5))
    await storm.command("set", "latest", "--priority=normal", "--max-workers=0", "--pause-ms=0")


async def reset_stuck(storm: Storm, dice: Random) -> None:
    for _ in range(dice.randint(1, 3)):
        await storm.command("reset-stuck", "latest", *(["--force"] if dice.random() < 0.6 else []))
        await asyncio.sleep(dice.uniform(0.0, 0.3))


async def cancel_and_queue(storm: Storm, dice: Random) -> None:
    """Give the job up and begin a new one at once, while partitions of the old one are in hand."""
    await storm.command("cancel", "latest", "--reason=storm")
    if dice.random() < 0.8:
        await storm.queue()


async def retry_failed(storm: Storm, dice: Random) -> None:
    await storm.command("retry", "latest")


async def look(storm: Storm, dice: Random) -> None:
    """Commands that only read."""
    commands = [
        ["status", "latest"],
        ["status", "latest", "--json"],
        ["list"],
        ["failures", "latest"],
        ["events", "latest", "--json"],
    ]
    for command in dice.sample(commands, 3):
        await storm.command(*command)

"""What operators do to the ledger by hand, with SQL."""

import asyncio
from random import Random

from backfill.states import JobState
from tests.storm.storm import Storm

CHANGE = """
    UPDATE backfill_jobs SET state = $1, paused_at = CASE WHEN $1 = 'paused' THEN clock_timestamp() ELSE paused_at END,
        started_at = CASE WHEN $1 = 'running' THEN coalesce(started_at, clock_timestamp()) ELSE started_at END,
        completed_at = CASE WHEN $1 IN ('failed', 'cancelled', 'completed') THEN clock_timestamp() END
    WHERE id = (SELECT id FROM backfill_jobs ORDER BY created_at DESC LIMIT 1) RETURNING id
"""


async def change_state_by_hand(storm: Storm, dice: Random) -> None:
    """Any state but completed, whether there is such an arrow or not; what must not be is refused."""
    async with storm.session("operator") as connection:
        for _ in range(dice.randint(1, 3)):
            state = dice.choice([one.value for one in JobState if one not in (JobState.COMPLETED, JobState.FAILED)])
            try:
                await connection.execute(CHANGE.replace("$1", f"'{state}'"))
                storm.note(f"by hand: {state}")
            except Exception as error:
                storm.note(f"by hand: {state}: {error}")
            await asyncio.sleep(dice.uniform(0.0, 0.4))


async def complete_by_hand(storm: Storm, dice: Random) -> None:
    """Somebody believes that it is done."""
    async with storm.session("operator") as connection:
        await connection.execute(CHANGE.replace("$1", "'completed'"))


async def delete_job_by_hand(storm: Storm, dice: Random) -> None:
    """Away with it, in whatever state; then a new one."""
    async with storm.session("operator") as connection:
        gone = await connection.fetchval(
            "DELETE FROM backfill_jobs WHERE id = (SELECT id FROM backfill_jobs ORDER BY created_at DESC LIMIT 1) "
            "RETURNING id::text"
        )
    if gone:
        storm.deleted.add(gone)
        await storm.queue()


async def hold_job_row(storm: Storm, dice: Random) -> None:
    """A change of the job in a transaction that stays open, and is given up."""
    async with storm.session("operator") as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE backfill_jobs SET priority = 'high'")
        await asyncio.sleep(dice.choice([0.3, 1.0, 2.5]))
        await transaction.rollback()

"""What owners do to the table."""

import asyncio
import time
from random import Random

from tests.storm import table
from tests.storm.storm import Storm

PRESENT = """
    SELECT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = 'things'::regclass AND attname = 'value' AND NOT attisdropped)
"""


async def lock_table(storm: Storm, dice: Random) -> None:
    async with storm.session() as connection, connection.transaction():
        await connection.execute(f"LOCK TABLE things IN {dice.choice(['ACCESS EXCLUSIVE', 'EXCLUSIVE'])} MODE")
        await asyncio.sleep(dice.choice([0.3, 1.0, 3.0, 9.0, 9.0]))


async def lock_rows(storm: Storm, dice: Random) -> None:
    async with storm.session() as connection, connection.transaction():
        await connection.execute("SELECT i FROM things WHERE i % $1 = 0 ORDER BY i FOR UPDATE", dice.choice([1, 7, 50]))
        await asyncio.sleep(dice.choice([0.3, 1.0, 2.5]))


async def alter_in_open_transaction(storm: Storm, dice: Random) -> None:
    async with storm.session() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("ALTER TABLE things ADD COLUMN tried integer")
        await asyncio.sleep(dice.choice([0.3, 1.5]))
        await transaction.rollback()


async def add_other_column(storm: Storm, dice: Random) -> None:
    """A column that the backfill has nothing to do with, and perhaps its end."""
    async with storm.session() as connection:
        await connection.execute("ALTER TABLE things ADD COLUMN IF NOT EXISTS other text DEFAULT 'x'")
        await asyncio.sleep(dice.uniform(0.0, 0.5))
        if dice.random() < 0.7:
            await connection.execute("ALTER TABLE things DROP COLUMN other")


async def drop_and_add_column(storm: Storm, dice: Random) -> None:
    """The column itself goes, and comes back empty."""
    async with storm.session() as connection:
        await connection.execute("ALTER TABLE things DROP COLUMN value")
        await asyncio.sleep(dice.choice([0.0, 0.5, 1.5]))
        await restore_column(storm)


async def restore_column(storm: Storm) -> None:
    """The column as the schedule has it, where it is missing."""
    async with storm.session() as connection:
        empty = table.EMPTY[storm.schedule.mode]
        is_gone = not await connection.fetchval(PRESENT)
        await connection.execute(
            f"ALTER TABLE things ADD COLUMN IF NOT EXISTS value {storm.schedule.column} DEFAULT {empty}"
        )
    if is_gone:
        storm.application.changes.append(time.time())


async def change_type(storm: Storm, dice: Random) -> None:
    """A wider type: the table is written anew."""
    wider = {"integer": "bigint", "bigint": "numeric(20, 2)", "numeric(14,2)": "numeric(20, 2)", "text": "varchar"}
    async with storm.session() as connection:
        await connection.execute(f"ALTER TABLE things ALTER COLUMN value TYPE {wider[storm.schedule.column]}")


async def truncate(storm: Storm, dice: Random) -> None:
    """All records go; perhaps some of their keys come back as new records."""
    async with storm.session() as connection:
        await connection.execute("TRUNCATE things")
        if dice.random() < 0.7:
            numbers = f"SELECT generate_series(1, {dice.randint(1, storm.schedule.rows)})"
            value = table.EMPTY[storm.schedule.mode]
            await storm.application.settle(connection, table.insert(storm.schedule, numbers, value=value), born=True)

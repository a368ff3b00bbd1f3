"""A planner that comes no further than a test lets it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.support.world import World

FEW: Final = 40  # partitions that it plans all the same
KEY: Final = 78  # of the advisory lock at which it waits
HELD: Final = f"""
    CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared({KEY}); RETURN NEW; END $$;
    CREATE TRIGGER held BEFORE INSERT ON backfill_partitions FOR EACH ROW
        WHEN (NEW.partition_key > '{FEW:09}') EXECUTE FUNCTION held()
"""


@asynccontextmanager
async def held_planning(world: World) -> AsyncIterator[None]:
    """Within the block nothing is planned behind the first few partitions of a job, so that its planning has no end."""
    await world.execute(HELD)
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock($1)", KEY)
        yield
        await session.execute("SELECT pg_advisory_unlock($1)", KEY)

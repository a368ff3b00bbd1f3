"""Fills the example's tables with made-up killmails, any number of them in the same memory."""

from itertools import islice
from typing import Any

import asyncpg

from backfill.errors import ConflictError
from backfill.examples.killmails import distribution, statements

CHUNK = 5_000  # killmails a transaction: about 80,000 item lines, some 30 MB here
VACUUM_SECONDS = 3_600.0


async def generate(connection: "asyncpg.Connection[Any]", killmails: int, *, seed: int = 1, first_id: int = 1) -> None:
    """Insert made-up killmails, and prices where there are none, then vacuum and analyse the tables.

    Must not run inside a transaction: every chunk is one of its own, and VACUUM refuses.
    Raises ConflictError when a killmail with one of the ids is there.
    """
    types, prices = zip(*distribution.prices(seed=seed), strict=True)
    await connection.execute(statements.read("insert_prices"), types, prices)
    source = distribution.killmails(killmails, seed=seed, first_id=first_id)
    while chunk := list(islice(source, CHUNK)):
        try:
            async with connection.transaction():
                await _copy(connection, chunk)
        except asyncpg.UniqueViolationError as error:
            raise ConflictError(
                f"killmails from {chunk[0].killmail_id} on are already there; give another first id"
            ) from error
    await connection.execute(
        "VACUUM (ANALYZE) killmails, victims, killmail_items, market_prices", timeout=VACUUM_SECONDS
    )


async def _copy(connection: "asyncpg.Connection[Any]", chunk: list[distribution.Killmail]) -> None:
    await connection.copy_records_to_table(
        "killmails",
        columns=["killmail_id", "killmail_time", "solar_system_id"],
        records=[killmail[:3] for killmail in chunk],
    )
    await connection.copy_records_to_table(
        "victims",
        columns=["killmail_id", "ship_type_id"],
        records=[(k.killmail_id, k.ship_type_id) for k in chunk if k.ship_type_id is not None],
    )
    await connection.copy_records_to_table(
        "killmail_items",
        columns=distribution.Item._fields,
        records=[item for killmail in chunk for item in killmail.items],
    )

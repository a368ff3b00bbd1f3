"""Loads killmails from JSON lines; those that are there already are left as they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from backfill.examples.killmails import statements
from backfill.examples.killmails.esi import BadLineError, Item, Killmail, parse
from backfill.examples.killmails.reading import FileError, Report, lines

BATCH = 500  # killmails a transaction


@dataclass
class Loaded:
    """What became of the lines of a file."""

    killmails: int = 0
    items: int = 0
    already_there: int = 0
    bad: int = 0


async def load(connection: "asyncpg.Connection[Any]", path: Path, report: Report) -> Loaded:
    """Load a file, plain or gzip; bad lines are reported and the rest loaded.

    Raises UsageError when it cannot be read, FileError when it is damaged or nothing in it can be loaded.
    Killed half-way, run it again: whole batches are there or not at all.
    """
    loaded = Loaded()
    batch: list[tuple[Killmail, list[Item]]] = []

    def bad(number: int, why: str) -> None:
        loaded.bad += 1
        report(number, why)

    try:
        for number, line in lines(path, bad):
            try:
                batch.append(parse(line))
            except BadLineError as error:
                bad(number, str(error))
            if len(batch) == BATCH:
                await _insert(connection, batch, loaded)
                batch.clear()
    except FileError:
        await _insert(connection, batch, loaded)
        raise
    await _insert(connection, batch, loaded)
    if not loaded.killmails and not loaded.already_there:
        raise FileError(f"{path}: no killmail could be loaded; bad lines: {loaded.bad}")
    await connection.execute("ANALYZE killmails, victims, killmail_items")
    return loaded


async def _insert(
    connection: "asyncpg.Connection[Any]", batch: list[tuple[Killmail, list[Item]]], loaded: Loaded
) -> None:
    # In key order: two loaders that meet wait for each other, and never in a circle.
    by_id = {killmail.killmail_id: (killmail, items) for killmail, items in reversed(batch)}
    killmails = [by_id[killmail_id][0] for killmail_id in sorted(by_id)]
    async with connection.transaction():
        rows = await connection.fetch(
            statements.read("insert_killmails"),
            [killmail.killmail_id for killmail in killmails],
            [killmail.killmail_time for killmail in killmails],
            [killmail.solar_system_id for killmail in killmails],
            [killmail.war_id for killmail in killmails],
        )
        new = [by_id[row["killmail_id"]] for row in rows]
        await _insert_victims(connection, [killmail for killmail, _ in new])
        records = [
            (killmail.killmail_id, i.item_type_id, i.flag, i.singleton, i.quantity_dropped, i.quantity_destroyed)
            for killmail, items in new
            for i in items
        ]
        await connection.copy_records_to_table(
            "killmail_items",
            columns=["killmail_id", "item_type_id", "flag", "singleton", "quantity_dropped", "quantity_destroyed"],
            records=records,
        )
    loaded.killmails += len(new)
    loaded.items += len(records)
    loaded.already_there += len(batch) - len(new)


async def _insert_victims(connection: "asyncpg.Connection[Any]", killmails: list[Killmail]) -> None:
    await connection.execute(
        statements.read("insert_victims"),
        [killmail.killmail_id for killmail in killmails],
        [killmail.victim.ship_type_id for killmail in killmails],
        [killmail.victim.character_id for killmail in killmails],
        [killmail.victim.corporation_id for killmail in killmails],
        [killmail.victim.alliance_id for killmail in killmails],
        [killmail.victim.damage_taken for killmail in killmails],
    )

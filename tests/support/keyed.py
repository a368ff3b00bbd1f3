"""A table `keyed` whose key is whatever a test wants, and the definition for it that the environment describes."""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from backfill import ColumnBackfill, Skip
from tests.support.commands import Command
from tests.support.world import World

KEY = tuple(os.environ.get("TEST_KEY", "id").split(","))


class Keyed(ColumnBackfill):
    """Not idempotent: a record that is done twice has a 2. A record whose `stays` is set is left as it is."""

    name = "keyed"
    table = os.environ.get("TEST_TABLE", "keyed")
    key = KEY[0] if len(KEY) == 1 else KEY
    columns = ("value",)
    inputs = (
        f"SELECT {', '.join(KEY)}, value, stays FROM ONLY {table} "
        f"JOIN unnest({', '.join(f'${n}' for n in range(1, len(KEY) + 1))}) AS k ({', '.join(KEY)}) "
        f"USING ({', '.join(KEY)})"
    )
    settings: ClassVar[Mapping[str, str]] = dict(
        setting.split("=") for setting in os.environ.get("TEST_SETTINGS", "").split(",") if setting
    )

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        if record["stays"] == "fails":
            raise ValueError(f"record {record[KEY[0]]!r} cannot be computed")
        return Skip("stays as it is") if record["stays"] else {"value": (record["value"] or 0) + 1}


class Partitioned(Keyed):
    """The same on a partitioned table, from which ONLY reads nothing."""

    name = "partitioned"
    inputs = Keyed.inputs.replace("ONLY ", "")


@dataclass
class Table:
    """The table of one test, and our commands for it."""

    world: World
    key: str = "id"
    definition: str = "Keyed"

    async def create(self, columns: str, key: str = "") -> None:
        await self.world.execute(
            f"CREATE TABLE keyed ({columns}, value integer, stays text, PRIMARY KEY ({key or self.key}))"
        )

    def settings(self, given: Mapping[str, str]) -> dict[str, str]:
        return {"BACKFILL_APP": f"tests.support.keyed:{self.definition}", "TEST_KEY": self.key, **given}

    def producer(self, *arguments: str, failpoint: str = "", **settings: str) -> Command:
        return self.world.producer(*arguments, failpoint=failpoint, **self.settings(settings))

    async def queue(self, *arguments: str, code: int = 0, **settings: str) -> str:
        """Queue to the end; what was printed."""
        command = self.producer(*arguments, **settings)
        assert await command.wait() == code, command.output
        return command.output

    def worker(self, *arguments: str, failpoint: str = "", **settings: str) -> Command:
        return self.world.worker(*arguments, failpoint=failpoint, **self.settings(settings))

    async def work(self, **settings: str) -> str:
        """Let one worker do all there is; what it printed."""
        command = self.worker("--burst", **settings)
        assert await command.wait(60) == 0, command.output
        return command.output

    async def job(self) -> asyncpg.Record:
        (row,) = await self.world.fetch("SELECT * FROM backfill_jobs ORDER BY created_at DESC LIMIT 1")
        return row

    async def planned(self) -> list[str]:
        """The ids of the newest job in the order of work."""
        rows = await self.world.fetch(
            "SELECT unnest(record_ids) FROM backfill_partitions WHERE backfill_job_id = $1 ORDER BY partition_key",
            (await self.job())["id"],
        )
        return [row[0] for row in rows]

    async def values(self) -> dict[Any, int]:
        """How many rows have which value."""
        rows = await self.world.fetch("SELECT value, count(*) FROM keyed GROUP BY value")
        return {row[0]: row[1] for row in rows}


@asynccontextmanager
async def login(world: World, options: str = "SUPERUSER", **settings: str) -> AsyncIterator[str]:
    """The URL of a role of this test's own, which has these settings."""
    role, password = f"test_{secrets.token_hex(6)}", secrets.token_hex(12)
    await world.execute(f"CREATE ROLE {role} LOGIN {options} PASSWORD '{password}'")
    for name, value in settings.items():
        await world.execute(f"ALTER ROLE {role} SET {name} TO {value}")
    parts = urlsplit(world.database)
    where = parts.netloc.rpartition("@")[2]
    try:
        yield urlunsplit(parts._replace(netloc=f"{role}:{password}@{where}"))
    finally:
        for command in world.commands:
            command.close()
        await world.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


async def numbers(world: World, rows: int = 100, stays: int = 0) -> Table:
    table = Table(world)
    await table.create("id integer")
    await world.execute(
        "INSERT INTO keyed (id, stays)"
        f" SELECT n, CASE WHEN n <= {stays} THEN 'yes' END FROM generate_series(1, {rows}) n"
    )
    return table

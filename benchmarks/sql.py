"""Statements on a connection of their own."""

import asyncio
import time
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg

SECONDS = 3_600.0  # the longest that one statement may take


@cache
def read(name: str) -> str:
    """The text of `statements/<name>.sql`."""
    return (Path(__file__).parent / "statements" / f"{name}.sql").read_text()


def execute(url: str, *scripts: str) -> float:
    """Run scripts one after another on one connection; returns the seconds without those for the connection."""

    async def work() -> float:
        connection = await asyncpg.connect(url, timeout=30)
        try:
            began = time.perf_counter()
            for script in scripts:
                await connection.execute(script, timeout=SECONDS)
            return time.perf_counter() - began
        finally:
            await connection.close()

    return asyncio.run(work())


def row(url: str, statement: str, *arguments: Any) -> Any:
    """The first row of a query."""

    async def work() -> Any:
        connection = await asyncpg.connect(url, timeout=30)
        try:
            return await connection.fetchrow(statement, *arguments, timeout=SECONDS)
        finally:
            await connection.close()

    return asyncio.run(work())

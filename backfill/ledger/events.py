"""What was done to jobs, by whom and why: kept for good."""

import json
from typing import Any
from uuid import UUID

import asyncpg

from backfill import statements
from backfill.database import Connection
from backfill.texts import MOST_OF_A_NAME, clean


async def act(connection: Connection, actor: str, reason: str = "") -> None:
    """Say who makes the changes of this transaction, and why."""
    await connection.execute(statements.read("ledger/events/act"), clean(actor, MOST_OF_A_NAME), clean(reason))


async def remember(
    connection: Connection, job_id: UUID | None, event: str, details: dict[str, Any], reason: str | None = None
) -> None:
    """Note what was done that is no change of state; None: it is about no job."""
    await connection.execute(
        statements.read("ledger/events/remember"), job_id, event, reason and clean(reason), json.dumps(details)
    )


async def listed(connection: Connection, job_id: UUID) -> "list[asyncpg.Record]":
    return await connection.fetch(statements.read("ledger/events/listed"), job_id)


async def without_job(connection: Connection, most: int) -> "list[asyncpg.Record]":
    """The newest of those that are about no job."""
    return await connection.fetch(statements.read("ledger/events/listed_without_job"), most)


async def known_jobs(connection: Connection, jobs: list[str]) -> set[str]:
    """Those of them that there are."""
    rows = await connection.fetch(statements.read("ledger/events/known_jobs"), jobs) if jobs else []
    return {row["id"] for row in rows}

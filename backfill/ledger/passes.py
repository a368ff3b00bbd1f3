"""Passes: several jobs in a row over what still matches."""

import json
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.texts import percent


@dataclass(frozen=True)
class Series:
    """Several passes of one backfill, or those that are yet to begin."""

    first: UUID | None = None  # the job of the first pass


@dataclass(frozen=True)
class Counted:
    """How much of a table has a value."""

    in_scope: int
    covered: int
    is_estimate: bool

    def __str__(self) -> str:
        about = "about " if self.is_estimate else ""
        share = percent(self.covered, self.in_scope)
        return f"{about}{share} ({self.covered:,} of {self.in_scope:,} records have a value)"


@dataclass(frozen=True)
class Coverage:
    """How much of a table had a value before the job or its first pass, has one now, and will have one.

    The last is at the rate of success so far.
    """

    in_scope: int  # when the job was opened, less those that were deleted meanwhile
    before: int
    now: int
    projected: int
    is_estimate: bool

    @classmethod
    def of(cls, counted: Counted, before: int, counts: dict[str, int], *, left: int | None) -> Self:
        """From what was counted when the pass was opened, and what it has done; `left` is known once it has ended."""
        matched = counts["matched"] - counts["replanned"]
        done = sum(counts[name] for name in ("updated", "unchanged", "skipped", "failed", "deleted"))
        gained = min(counts["updated"], matched)
        if left is not None:
            gained = max(matched - counts["deleted"] - left, 0)
        to_come = max(counts["matched"] - done, 0) if left is None else 0
        share = counts["updated"] / done if done else 1.0
        in_scope = max(counted.in_scope - counts["deleted"], 0)
        now = min(counted.covered + gained, in_scope)
        return cls(in_scope, before, now, min(now + round(to_come * share), in_scope), counted.is_estimate)


async def begin(connection: Connection, job_id: UUID, series: Series, counted: Counted) -> None:
    """Make a job a pass, in the transaction that opens it."""
    await connection.execute(
        statements.read("ledger/passes/begin"),
        job_id,
        series.first,
        counted.in_scope,
        counted.covered,
        counted.is_estimate,
    )


async def cover(connection: Connection, job_id: UUID, counted: Counted) -> None:
    """Say what was counted when a job was opened that is no pass."""
    statement = statements.read("ledger/passes/cover")
    await connection.execute(statement, job_id, counted.in_scope, counted.covered, counted.is_estimate)


async def active(connection: Connection, backfill: str, mode: str, parameters: dict[str, Any]) -> UUID | None:
    """The pass that is under way, whoever began it."""
    found: UUID | None = await connection.fetchval(
        statements.read("ledger/passes/active"), backfill, mode, json.dumps(parameters)
    )
    return found

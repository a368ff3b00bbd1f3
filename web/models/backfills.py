"""Definitions, and how much of their tables has a value."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from backfill.web.models import Listed


class Parameter(BaseModel):
    """A parameter of a definition."""

    name: str
    type: str
    default: Any
    is_required: bool
    description: str | None


class TableCoverage(BaseModel):
    """How much of a table has a value."""

    backfill: str
    job: str | None = Field(description="The job that counted; null: counted now.")
    in_scope: int
    before: int | None
    covered: int
    projected: int | None
    is_estimate: bool
    at: datetime


class Backfill(BaseModel):
    """A definition of the app."""

    name: str
    table: str | None
    key: list[str]
    columns: list[str]
    target: str | None
    writes: list[str]
    modes: list[str]
    refusals: dict[str, str]
    parameters: list[Parameter]
    reads: list[str]
    coverage: TableCoverage | None
    last_success: dict[str, Any] | None


class Backfills(Listed[Backfill]):
    """The definitions of the app."""

    why_none: str | None

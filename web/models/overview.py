"""Everything at one look, with the server itself."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from backfill.web.models.jobs import JobRow


class Server(BaseModel):
    """Whoever answers."""

    version: str
    started_at: datetime
    tenant: str
    now: datetime
    database: str = Field(description="up, or why it is not")
    broker: str = Field(description="up, none where none was set, or why it is not up")


class Overview(BaseModel):
    """Everything at one look."""

    jobs: dict[str, int]
    active: list[JobRow]
    attention: list[dict[str, Any]]
    workers: dict[str, Any]
    last_success: list[dict[str, Any]]
    depths: list[dict[str, Any]]
    server: Server
    read_at: datetime | None

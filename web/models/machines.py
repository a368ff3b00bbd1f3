"""Workers, queues and dead messages, as the commands of these names print them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backfill.web.models import Listed


class Worker(BaseModel):
    """A worker, as `backfill workers --json` prints it."""

    model_config = ConfigDict(extra="allow")

    id: str
    host: str
    pid: int
    state: str
    backfills: list[str]
    heartbeat_age_seconds: float
    counts: dict[str, int]
    holds: list[dict[str, Any]]


class Queue(BaseModel):
    """The queues of a backfill, as `backfill queues --json` prints them."""

    backfill: str
    ready: dict[str, int]
    unacknowledged: int | None
    consumers: dict[str, int]
    delayed: dict[str, int]
    dead: int | None
    minutes: list[dict[str, Any]]


class Queues(Listed[Queue]):
    """All queues of the tenant."""

    source: str = Field(alias="from", description="management or amqp")
    error: str | None = Field(description="Why the management API has told nothing, where it is set.")


class Dead(BaseModel):
    """A dead message, as `backfill dead list --json` prints it."""

    id: str
    backfill: str
    job: str | None
    partition: str | None
    why: str
    since: datetime | None
    size: int

"""The bodies of answers as the description of the API has them; fields are those of `status --json`."""

from dataclasses import fields
from datetime import datetime
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from backfill.ledger.progress import Progress


class Problem(BaseModel):
    """RFC 9457: what went wrong, and what to do."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What happened, and the next step.")
    exit_code: int | None = Field(description="What the command of the same purpose ends with.")
    allowed: list[str] | None = Field(None, description="States that the job may go to, of a 409.")
    errors: list[dict[str, str]] | None = Field(None, description="Each wrong part of the request, of a 422.")
    service: str | None = Field(None, description="database or broker, of a 503.")


class SessionView(BaseModel):
    """Who asks."""

    name: str
    role: str = Field(description="read or operate")
    tenant: str
    version: str


def _job_fields() -> dict[str, Any]:
    hints = get_type_hints(Progress)
    found = {one.name: (hints[one.name], ...) for one in fields(Progress) if one.name != "job_id"}
    return {"job": (str, ...), **found, "done": (int, ...)}


ACTIONS: Final = "pause, resume, cancel, retry, reset-stuck, delete, patch: what is allowed now"
Job = create_model(
    "Job",
    __doc__="A job with its numbers, as `backfill status --json` prints it.",
    __config__=ConfigDict(use_enum_values=True),
    **_job_fields(),
    allowed=(list[str], Field(description=ACTIONS)),
    read_at=(datetime, ...),
)

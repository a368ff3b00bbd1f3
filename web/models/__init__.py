"""The bodies of answers as the description of the API has them, a module a router; fields are those of `--json`."""

from typing import Generic, TypeVar

from pydantic import BaseModel, Field

Item = TypeVar("Item")


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


class Listed(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="What to give as cursor for the next page; null: there is none.")

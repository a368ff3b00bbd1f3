"""What every route may need, and how it gets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator

from backfill.definition import Definition
from backfill.settings import Settings
from backfill.web.callers import Caller, Callers
from backfill.web.hub import Hub
from backfill.web.kept import Kept
from backfill.web.ledger import Ledger
from backfill.web.link import Link
from backfill.web.looks import Looks
from backfill.web.planning import Planning
from backfill.web.process import Processing
from backfill.web.wanted import plain

MOST_OF_A_PAGE: Final = 200


@dataclass(frozen=True)
class Place:
    """The server's own parts."""

    settings: Settings
    definitions: Mapping[str, Definition]
    why_none: str | None  # why there are no definitions
    ledger: Ledger
    link: Link
    callers: Callers
    hub: Hub
    planning: Planning
    processing: Processing
    looks: Looks
    started_at: datetime
    kept: Kept = field(default_factory=Kept)


def _place(request: Request) -> Place:
    found: Place = request.app.state.place
    return found


def _caller(request: Request) -> Caller:
    found: Caller = request.state.caller
    return found


Here = Annotated[Place, Depends(_place)]
Who = Annotated[Caller, Depends(_caller)]
Text = Annotated[str, AfterValidator(plain)]
Job = Annotated[str, Path(description="An id, the beginning of one, or latest.", max_length=100)]
Limit = Annotated[int, Query(ge=1, le=MOST_OF_A_PAGE, description="Items of a page.")]
Cursor = Annotated[str | None, Query(description="next_cursor of the page before.", max_length=2_000)]

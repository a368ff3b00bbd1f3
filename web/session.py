"""Signing in on the page, once; programs send a token with each request instead."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from backfill import __version__
from backfill.web import problems
from backfill.web.callers import SESSION_SECONDS
from backfill.web.guard import too_many
from backfill.web.place import Here, Who

__all__ = ["router"]

router = APIRouter(tags=["session"])


class SessionView(BaseModel):
    """Who asks."""

    name: str
    role: str = Field(description="read or operate")
    tenant: str
    version: str
    has_monitor: bool = Field(description="Whether the server was given profiles of the monitor.")


class SignIn(BaseModel):
    """A token, as `backfill token create` printed it."""

    token: Annotated[str, Field(min_length=1, max_length=200)]


@router.get("/session")
async def who(place: Here, caller: Who) -> SessionView:
    """Who asks, and what he may."""
    return SessionView(
        name=caller.name,
        role=caller.role,
        tenant=place.settings.tenant,
        version=__version__,
        has_monitor=bool(place.looks.watched),
    )


@router.post("/session", status_code=204, response_class=Response)
async def sign_in(request: Request, place: Here, given: SignIn) -> Response:
    """Exchange a token for a cookie that scripts cannot read and other sites cannot send."""
    wait = request.state.attempts.seconds_to_wait(request.state.address)
    if wait:
        return too_many(wait)
    token = await place.callers.tokens.of(given.token.strip())
    if token is None:
        request.state.attempts.failed(request.state.address)
        return problems.problem(401, "this token is not in force; make one with: backfill token create")
    place.callers.tokens.used(token)
    answer = Response(status_code=204)
    answer.set_cookie(
        place.callers.cookie,
        place.callers.sessions.begin(token.id),
        max_age=int(SESSION_SECONDS),
        path=_path(request),
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return answer


@router.delete("/session", status_code=204, response_class=Response)
async def sign_out(request: Request, place: Here) -> Response:
    """End the session of this cookie, and the streams that were opened with it."""
    if request.state.secret is not None:
        place.callers.sessions.end(request.state.secret)
    answer = Response(status_code=204)
    answer.delete_cookie(
        place.callers.cookie, path=_path(request), secure=_is_secure(request), httponly=True, samesite="strict"
    )
    return answer


def _path(request: Request) -> str:
    return f"{request.scope.get('root_path', '')}/"


def _is_secure(request: Request) -> bool:
    """Whether the browser's way here is encrypted; a proxy says so of its own, and a lie harms only who tells it."""
    said = request.headers.get("x-forwarded-proto", request.url.scheme)
    return said.partition(",")[0].strip().lower() == "https"  # the first proxy's way is the browser's

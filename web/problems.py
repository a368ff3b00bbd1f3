"""What goes wrong, as application/problem+json: the same sentences as the commands, under a status for programs."""

import http
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as RoutingError

from backfill.broker import BrokerLostError
from backfill.errors import BackfillError, TransientError
from backfill.texts import clean, one_line

MEDIA_TYPE: Final = "application/problem+json"
# Exit codes of the commands; a job that failed, was cancelled or halted is a conflict for whoever wanted it done.
STATUS: Final = {2: 422, 3: 404, 4: 409, 5: 503, 6: 424, 7: 409, 8: 409, 9: 409, 75: 409}
RETRY_SECONDS: Final = "2"
MOST: Final = 2_000  # characters of a sentence
MOST_ERRORS: Final = 20


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """The answer for a problem; `more` that is None is left out."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": clean(detail, MOST),
        "exit_code": None,
    }
    body |= {name: value for name, value in more.items() if value is not None}
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def of(error: BackfillError) -> JSONResponse:
    """The answer for an error that a person can act on."""
    status = STATUS.get(error.exit_code, 503 if isinstance(error, TransientError) else 500)
    allowed = getattr(error, "allowed", None)
    return problem(
        status,
        str(error),
        headers={"Retry-After": RETRY_SECONDS} if status == http.HTTPStatus.SERVICE_UNAVAILABLE else None,
        exit_code=error.exit_code,
        allowed=None if allowed is None else [str(one) for one in allowed],
        service=getattr(error, "service", None),
    )


def install(app: FastAPI) -> None:
    """Let every error of a route become a problem."""

    @app.exception_handler(BackfillError)
    async def known(_: Request, error: BackfillError) -> JSONResponse:
        return of(error)

    @app.exception_handler(ExceptionGroup)
    async def several(_: Request, group: ExceptionGroup[Exception]) -> JSONResponse:
        found, _rest = group.split(BackfillError)
        if found is None:
            raise group
        one: BaseException = found
        while isinstance(one, BaseExceptionGroup):
            one = one.exceptions[0]
        assert isinstance(one, BackfillError)  # noqa: S101 - the group was split by it
        return of(one)

    @app.exception_handler(BrokerLostError)
    async def lost(_: Request, error: BrokerLostError) -> JSONResponse:
        text = f"RabbitMQ: {error}; see its log, and try again"
        return problem(503, text, headers={"Retry-After": RETRY_SECONDS}, exit_code=5, service="broker")

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        # What was given is not repeated: it may be a token.
        errors = [
            {"where": ".".join(one_line(part, 100) for part in one["loc"]), "message": clean(one["msg"], 500)}
            for one in error.errors()[:MOST_ERRORS]
        ]
        detail = "; ".join(f"{one['where']}: {one['message']}" for one in errors)
        return problem(422, f"{detail}; correct the request", exit_code=2, errors=errors)

    @app.exception_handler(RoutingError)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        detail = str(error.detail)
        if detail == http.HTTPStatus(error.status_code).phrase:
            detail = SENTENCES.get(error.status_code, detail)
        return problem(error.status_code, detail, headers=error.headers)

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> JSONResponse:
        del error  # the log has it
        return problem(500, "the server has met something that nobody has foreseen; its log has more")


SENTENCES: Final = {
    404: "there is nothing at this address; see openapi.json",
    405: "this address does not know this method; see openapi.json",
}

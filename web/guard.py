"""Before any route: whether this server is meant, whether the request is its own page's, who asks, and what he may.

Whatever changes something needs the role `operate`, and a route that is added is guarded by that without a word.
"""

import ipaddress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backfill.errors import BackfillError
from backfill.web import problems
from backfill.web.attempts import Attempts
from backfill.web.callers import Caller, Callers

API: Final = "/api/v1/backfill"
SESSION: Final = f"{API}/session"
OPEN: Final = {f"{API}/openapi.json"}  # the same for everybody, as it stands in the repository
FOREIGN: Final = "this request comes from another site's page, which may not ask anything here"
LOOKS: Final = {"GET", "HEAD", "OPTIONS"}
# What only a proxy writes: it stands between us and somebody who may be anywhere.
PROXIED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass
class Guard:
    """Lets through what is allowed; the route finds the caller in its state."""

    app: ASGIApp
    callers: Callers
    hosts: frozenset[str]  # names that browsers may know this server by
    attempts: Attempts = field(default_factory=Attempts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        is_api = path.startswith(f"{API}/") or path == API

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store" if is_api else "no-cache"
            await send(message)

        try:
            refusal = self._misdirected(request) or await self._unknown(request, path, is_api)
        except BackfillError as error:
            refusal = problems.of(error)
        await (refusal or self.app)(scope, receive, marked)

    def _misdirected(self, request: Request) -> JSONResponse | None:
        host = request.headers.get("host", "")
        if not is_known(host, self.hosts):
            return problems.problem(
                421, f"this server is not known as {host!r}; start it with --allow-host, or ask it by another name"
            )
        origin = request.headers.get("origin")
        if origin is not None and _netloc(origin) != host.lower():
            return problems.problem(403, FOREIGN)
        return None

    async def _unknown(self, request: Request, path: str, is_api: bool) -> JSONResponse | None:
        request.state.address = address = _address(request)
        request.state.attempts = self.attempts
        request.state.secret = None
        if not (is_api or path == "/metrics") or path in OPEN:
            return None
        is_signing_in = path == SESSION and request.method == "POST"
        header, secret = request.headers.get("authorization"), request.cookies.get(self.callers.cookie)
        token = _bearer(header)
        if is_signing_in:
            return None if _is_own(request) else foreign()
        # A page of another site would load an image from here, of which no browser says an origin.
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return problems.problem(403, FOREIGN)
        caller: Caller | None = None
        if token is not None:
            wait = self.attempts.seconds_to_wait(address)
            caller = await self.callers.by_token(token)
            if caller is None:
                if wait:
                    return too_many(wait)
                self.attempts.failed(address)
        elif secret is not None:
            caller = await self.callers.by_session(secret)
            request.state.secret = secret if caller is not None else None
        if caller is None and header is None:
            caller = await self.callers.without(is_proxied=any(name in request.headers for name in PROXIED))
        if caller is None:
            return problems.problem(
                401,
                "no token, or none that is in force; sign in, or send Authorization: Bearer TOKEN "
                "(backfill token create makes one)",
                headers={"WWW-Authenticate": 'Bearer realm="backfill"'},
            )
        if request.method not in LOOKS:
            if token is None and not _is_own(request, must_say=request.state.secret is not None):
                return foreign()
            if not caller.may_operate and path != SESSION:
                return problems.problem(
                    403, f"the token {caller.name} may look and change nothing; this needs one with --role=operate"
                )
        request.state.caller = caller
        return None


def foreign() -> JSONResponse:
    """The answer for what may be another site's page."""
    return problems.problem(
        403, "this request does not say that it comes from this server's page: send its Origin, or a token"
    )


def too_many(seconds: float) -> JSONResponse:
    """The answer for who has failed to sign in too often."""
    return problems.problem(
        429,
        f"too many failed sign-ins; try again in {seconds:.0f} s",
        headers={"Retry-After": str(max(1, round(seconds)))},
    )


def is_known(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this server: by a name it was given, or by an address, which no foreign page can be
    made to have as its own.
    """
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if not name or "@" in host or "/" in host:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.rstrip(".") in names
    return True


def _bearer(header: str | None) -> str | None:
    """The token of an Authorization header; one of another scheme is a proxy's, and none of ours."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _netloc(origin: str) -> str:
    """The host and port of an origin; of none, such as `null`, nothing."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_own(request: Request, *, must_say: bool = False) -> bool:
    """Whether it comes from our own page, or from no page at all where that is enough: browsers always say."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return "origin" in request.headers or not must_say  # which was compared with the host


def _address(request: Request) -> str:
    """Whose failures these are: behind a proxy on this machine, whom that names last."""
    host = request.client.host if request.client else ""
    try:
        is_near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_near = False
    forwarded = request.headers.get("x-forwarded-for", "")
    return forwarded.rpartition(",")[2].strip()[:100] or host if is_near else host

"""Who calls: what is believed while the database is away, whose sessions end, and which cookie is which server's."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from backfill.ledger import tokens
from backfill.ledger.tokens import Live
from backfill.web import callers as module
from backfill.web.callers import Callers, Sessions, Tokens
from backfill.web.guard import API, Guard
from backfill.web.ledger import DatabaseAwayError

AWAY_SECONDS = 0.1


class Ledger:
    """One that answers, or is silent for a moment and then away."""

    is_away = False
    tries = 0
    live = Live((), has_been_one=False)

    @asynccontextmanager
    async def connection(self, seconds: float) -> AsyncIterator[None]:
        assert seconds
        self.tries += 1
        if self.is_away:
            await asyncio.sleep(AWAY_SECONDS)
            raise DatabaseAwayError("PostgreSQL is away")
        yield


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    made = Ledger()

    async def live(_: object) -> Live:
        return made.live

    async def touch(*_: object) -> None:
        """Nothing notes when a token was used."""

    monkeypatch.setattr(tokens, "live", live)
    monkeypatch.setattr(tokens, "touch", touch)
    return made


async def test_one_waits_for_a_database_that_is_away_and_not_everybody_after_him(ledger: Ledger) -> None:
    ledger.is_away = True
    known = Tokens(ledger)  # type: ignore[arg-type]
    answers = await asyncio.gather(*(known.live() for _ in range(20)), return_exceptions=True)
    assert [type(one) for one in answers] == [DatabaseAwayError] * 20
    assert ledger.tries == 1


async def test_who_was_let_in_is_believed_for_five_minutes(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    known, later = Tokens(ledger), 0.0  # type: ignore[arg-type]
    clock = time.monotonic
    monkeypatch.setattr(module.time, "monotonic", lambda: clock() + later)
    assert not (await known.live()).has_been_one
    ledger.is_away = True
    for later in (10.0, 290.0, 295.0):  # noqa: B007 - the clock reads it
        assert not (await known.live()).has_been_one
    later = 305.0
    with pytest.raises(DatabaseAwayError):
        await known.live()
    with pytest.raises(DatabaseAwayError):
        await known.live()
    ledger.is_away, later = False, 310.0
    assert not (await known.live()).has_been_one


def test_of_too_many_sessions_of_a_token_its_own_oldest_ends() -> None:
    sessions, ada, bob = Sessions(), uuid4(), uuid4()
    his = sessions.begin(bob)
    hers = [sessions.begin(ada) for _ in range(1_100)]
    assert sessions.token_of(his) == bob
    assert [sessions.token_of(one) for one in hers[-20:]] == [ada] * 20
    assert sessions.token_of(hers[-21]) is None


async def answered(guard: Guard, headers: Mapping[str, str], method: str = "GET", path: str = "/jobs") -> int:
    """The status of an answer; 200 where the guard has let it through."""
    status = 200
    named = {"host": "127.0.0.1:8321"} | headers
    scope = {
        **{"type": "http", "method": method, "path": f"{API}{path}", "query_string": b"", "root_path": ""},
        **{"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8321), "scheme": "http", "state": {}},
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await guard(scope, receive, send)
    return status


async def let_in(*_: object) -> None:
    """The application behind the guard."""


async def test_another_site_s_page_reads_nothing_with_a_request_that_has_no_origin(ledger: Ledger) -> None:
    guard = Guard(let_in, Callers(Tokens(ledger), is_exposed=False, cookie="mine"), frozenset())  # type: ignore[arg-type]
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        assert await answered(guard, {"sec-fetch-site": site}) == status, site
    assert await answered(guard, {}) == 200


async def test_a_proxy_s_own_authorization_hides_no_cookie_and_lets_nobody_in(ledger: Ledger) -> None:
    def guarded() -> Guard:
        return Guard(let_in, Callers(Tokens(ledger), is_exposed=False, cookie="mine"), frozenset())  # type: ignore[arg-type]

    basic = {"authorization": "Basic YWRhOnNlY3JldA=="}
    assert await answered(guarded(), basic) == 401
    token = tokens.Token(uuid4(), "ada", "operate", b"")
    ledger.live = Live((token,), has_been_one=True)
    guard = guarded()
    callers = guard.callers
    cookie = basic | {"cookie": f"other=1; mine={callers.sessions.begin(token.id)}"}
    assert await answered(guard, cookie) == 200
    assert await answered(guard, cookie, "POST") == 403
    assert await answered(guard, cookie | {"origin": "http://127.0.0.1:8321"}, "POST") == 200
    assert await answered(guard, basic | {"cookie": cookie["cookie"].replace("mine", "backfill_session")}) == 401

"""What a server answers where its own services fail it in the middle of a request."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from backfill.broker import BrokerLostError
from backfill.settings import Settings
from backfill.web import link as links
from backfill.web import starting
from backfill.web.ledger import DatabaseAwayError
from backfill.web.link import BrokerAwayError, Link
from backfill.web.planning import Opened
from backfill.web.serving import is_of_this_machine
from backfill.web.wanted import Opening


class Ledger:
    """There at first, and then away."""

    asked = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        self.asked += 1
        if self.asked > 1:
            raise DatabaseAwayError("PostgreSQL is away")
        yield


async def test_a_job_that_was_opened_and_cannot_be_shown_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    job = uuid4()

    async def opened(*_: object) -> Opened:
        return Opened(job, True, ())

    monkeypatch.setattr(starting, "_read", lambda *_: (None, None))
    place: Any = SimpleNamespace(
        ledger=Ledger(), planning=SimpleNamespace(open=opened), settings=Settings(rabbitmq_url="")
    )
    http: Any = SimpleNamespace(scope={"root_path": ""})
    answer = await starting.start(http, place, SimpleNamespace(actor="me"), Opening())  # type: ignore[arg-type]
    assert answer.status_code == 202
    assert json.loads(bytes(answer.body))["job"] == str(job)
    assert answer.headers["location"].endswith(f"/jobs/{job}")


def linked(monkeypatch: pytest.MonkeyPatch) -> tuple[Link, list[object]]:
    """A link that stands, and what of it was closed."""
    closed: list[object] = []

    async def close(connection: object) -> None:
        closed.append(connection)

    monkeypatch.setattr(links.broker, "close", close)
    made, up = Link(Settings(rabbitmq_url="amqp://a")), asyncio.Event()
    up.set()
    made._connection, made.says = SimpleNamespace(connected=up), "up"  # type: ignore[assignment]
    return made, closed


async def test_what_is_late_is_late_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    link, closed = linked(monkeypatch)
    is_over = asyncio.Event()

    async def slow(_: object) -> None:
        try:
            await asyncio.sleep(3600)
        finally:  # a channel is closed, which takes as long
            await is_over.wait()

    with pytest.raises(BrokerAwayError):
        await asyncio.wait_for(link.ask(slow, 0.01), 5)
    assert (link.says, closed) == ("up", [])
    is_over.set()


async def test_a_link_that_another_one_has_replaced_is_not_closed_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    link, closed = linked(monkeypatch)
    before = link._connection

    async def lost(_: object) -> None:
        raise BrokerLostError("gone")

    async def lost_before(_: object) -> None:
        link._connection = SimpleNamespace(connected=before.connected)  # type: ignore[union-attr,assignment]
        raise BrokerLostError("gone")

    with pytest.raises(BrokerAwayError):
        await link.ask(lost_before)
    assert (link.says, closed) == ("up", [])
    with pytest.raises(BrokerAwayError):
        await link.ask(lost)
    assert link.says != "up"
    assert len(closed) == 1


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [("localhost", True), ("LOCALHOST.", True), ("127.0.0.1", True), ("::1", True), ("ip6-localhost", False)],
)
def test_a_name_is_this_machine_s_whatever_resolves_it(name: str, is_ours: bool) -> None:
    assert is_of_this_machine(name) is is_ours

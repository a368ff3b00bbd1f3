"""RABBITMQ_URL: one node or several, tried in turn, every password masked."""

import asyncio
import gc
import socket
import warnings
from typing import Any

import pytest
from aio_pika.exceptions import AMQPConnectionError, ProbableAuthenticationError
from yarl import URL

from backfill import nodes
from backfill.errors import RefusedError, UnreachableError, UsageError

ONE, TWO = "amqp://me:secret@one/v", "amqp://me:secret@two/v"


@pytest.mark.parametrize("url", [f"{ONE};{TWO}", f" {ONE} ; {TWO};"])
def test_several_urls_are_separated_by_semicolons(url: str) -> None:
    assert nodes.addresses(url) == [ONE, TWO]


def test_a_semicolon_in_a_password_separates_nothing() -> None:
    assert nodes.addresses("amqp://me:a;b@one/") == ["amqp://me:a;b@one/"]


@pytest.mark.parametrize("url", ["", ";", f"{ONE};two", f"{ONE};http://two", "amqp://one;two/", f"{ONE};amqp://"])
def test_what_is_no_list_of_urls_is_refused_and_shows_no_password(url: str) -> None:
    with pytest.raises(UsageError, match="is no AMQP URL; write amqp://") as refused:
        nodes.addresses(url)
    assert "secret" not in str(refused.value)


class Servers:
    """Stands for the client: which hosts answer, and which were asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def connect(self, url: str, **_: Any) -> str:
        host = url.rpartition("@")[2].partition("/")[0]
        self.asked.append(host)
        answer = self.answers[host]
        if isinstance(answer, Exception):
            raise answer
        return host


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    made = Servers()
    monkeypatch.setattr("aio_pika.connect", made.connect)
    monkeypatch.setattr(nodes, "_answered", {})
    return made


async def connect() -> Any:
    return await nodes.connect(f"{ONE};{TWO}", name="test", heartbeat=10)


async def test_the_node_that_answered_last_is_tried_first(servers: Servers) -> None:
    servers.answers = {"one": OSError("away"), "two": "here"}
    assert [await connect(), await connect()] == ["two", "two"]
    assert servers.asked == ["one", "two", "two"]
    servers.answers = {"one": "here", "two": OSError("away")}
    assert await connect() == "one"


async def test_when_none_answers_each_is_named(servers: Servers) -> None:
    servers.answers = {"one": OSError("away"), "two": TimeoutError()}
    named = r"amqp://me:\*\*\*@one/v \(away\) or amqp://me:\*\*\*@two/v \(no answer in time\); start it"
    with pytest.raises(UnreachableError, match=f"cannot reach RabbitMQ at {named}") as error:
        await connect()
    assert not isinstance(error.value, RefusedError)


async def test_a_refusal_counts_only_when_no_other_node_may_let_us_in(servers: Servers) -> None:
    servers.answers = {"one": ProbableAuthenticationError("ACCESS_REFUSED"), "two": OSError("away")}
    with pytest.raises(UnreachableError, match=r"@one/v \(refused\)") as error:
        await connect()
    assert not isinstance(error.value, RefusedError)
    servers.answers["two"] = ProbableAuthenticationError("ACCESS_REFUSED")
    with pytest.raises(RefusedError, match="@one/v refuses the login"):
        await connect()


async def test_a_link_that_was_never_opened_is_closed_and_leaves_nothing_to_do() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        link = nodes.Link(URL(f"amqp://127.0.0.1:{unused.getsockname()[1]}/"))
        with pytest.raises(AMQPConnectionError):
            await link.connect()
    assert link.is_closed


def test_a_link_that_is_dropped_where_no_loop_runs_leaves_no_call_behind() -> None:
    async def made() -> nodes.Link:
        return nodes.Link(URL(ONE))

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        link = loop.run_until_complete(made())
        assert not link.is_closed
        del link
        gc.collect()
        loop.close()
        asyncio.set_event_loop(None)
        del loop
        gc.collect()
    assert [str(one.message) for one in said] == []

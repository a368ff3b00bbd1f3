"""The examples' service over HTTP, as the clients of the examples meet it."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from backfill.examples.service.misbehaviour import Misbehaviour
from backfill.examples.service.server import Service, serving
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


class Clock:
    """The service's, which goes on only when a test lets it: what a second has in it is no matter of the machine."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def service(**given: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service of its own."""
    async with (
        serving(Service(**({"rate": 1_000} | given))) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,  # some answers take seconds, and the machine its time
    ):
        yield client


async def counts(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/counts")).json()
    return found


async def test_a_price_is_always_the_same_and_some_types_have_none() -> None:
    async with service() as client, service() as other:
        answers = [await client.get(f"/prices/{type_id}") for type_id in range(1, 101)]
        known = {one.json()["type_id"]: one.json() for one in answers if one.status_code == 200}
        assert 60 < len(known) < 95
        assert {one.status_code for one in answers} == {200, 404}
        assert known == {type_id: (await other.get(f"/prices/{type_id}")).json() for type_id in known}
        assert set(known[min(known)]) == {"type_id", "price", "as_of"}
        assert (await client.get("/prices/no-number")).status_code == 404
        seen = await counts(client)
        assert (seen["calls"], seen["served"], seen["refused"]) == (100, 100, 0)
        assert seen["keys"] == {str(type_id): 1 for type_id in range(1, 101)}


async def test_what_has_not_changed_is_not_sent_again() -> None:
    async with service() as client:
        first = await client.get("/prices/34")
        again = await client.get("/prices/34", headers={"If-None-Match": first.headers["ETag"]})
        other = await client.get("/prices/34", headers={"If-None-Match": '"other"'})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert other.json() == first.json()


async def test_generation_has_every_day_of_a_month() -> None:
    async with service() as client:
        found = (await client.get("/generation/unit-0007/2024-02")).json()
        assert [row["day"] for row in found["rows"]] == [f"2024-02-{day:02}" for day in range(1, 30)]
        for wrong in ("unit-7/2024-02", "unit-0007/2024-13", "unit-0007/1999-01"):
            assert (await client.get(f"/generation/{wrong}")).status_code == 404


async def test_texts_are_classified_fifty_at_most() -> None:
    async with service() as client:
        answer = await client.post("/classify", json={"texts": ["Thank you", "A refund, please", "Why?", "Oh"]})
        assert answer.json() == {"labels": ["praise", "billing", "question", "other"]}
        assert (await client.post("/classify", json={"texts": ["a"] * 50})).status_code == 200
        assert (await client.post("/classify", json={"texts": ["a"] * 51})).status_code == 413
        for wrong in ([1], {"texts": "a"}, {"texts": [1]}, {}):
            assert (await client.post("/classify", json=wrong)).status_code == 400
        assert (await client.post("/classify", content=b"\xff")).status_code == 400
        assert (await client.post("/classify", json={"texts": ["a", " "]})).status_code == 422
        assert (await counts(client))["keys"]["a"] == 50


async def test_over_the_limit_calls_are_refused_and_then_banned() -> None:
    async with service(rate=5, ban_after=4, ban_seconds=600, clock=Clock()) as client:
        answers = await asyncio.gather(*(client.get(f"/prices/{type_id}") for type_id in range(20)))
        assert sorted(one.status_code for one in answers)[-15:] == [429] * 3 + [503] * 12
        assert {one.headers["Retry-After"] for one in answers if one.status_code == 429} == {"1"}
        assert {one.headers["Retry-After"] for one in answers if one.status_code == 503} == {"600"}
        seen = await counts(client)
    expected = {"calls": 20, "served": 5, "refused": 15, "refused_after_first": 14, "bans": 1, "worst_second": 20}
    assert {name: seen[name] for name in expected} == expected
    assert seen["too_early"] == 14
    assert sum(seen["keys"].values()) == 5


async def test_who_waits_as_told_is_served_and_counted_as_orderly() -> None:
    clock = Clock()
    async with service(rate=2, clock=clock) as client:
        refused = 0
        for type_id in range(5):
            while (answer := await client.get(f"/prices/{type_id}")).status_code == 429:
                refused += 1
                clock.now += float(answer.headers["Retry-After"])
        seen = await counts(client)
    assert (seen["served"], seen["refused"], seen["too_early"], seen["bans"]) == (5, refused, 0, 0)
    assert (refused, seen["worst_second"]) == (2, 3)


async def test_calls_under_way_at_once_are_counted() -> None:
    async with service(misbehaviour=Misbehaviour(slow=1, slow_seconds=4)) as client:  # all have come by then
        await asyncio.gather(*(client.get(f"/prices/{type_id}") for type_id in range(7)))
        seen = await counts(client)
    assert (seen["most_in_flight"], seen["in_flight"], seen["misbehaved"]) == (7, 0, {"slow": 7})


async def test_it_misbehaves_when_told_to_and_stops_when_told_to() -> None:
    async with service() as client:
        good = await client.get("/prices/34")

        async def told(**wanted: Any) -> None:
            assert (await client.put("/misbehave", json=wanted)).status_code == 200

        await told(error=1)
        assert (await client.get("/prices/34")).status_code == 500
        await told(garbage=1)
        garbage = await client.get("/prices/34")
        assert garbage.status_code == 200
        with pytest.raises(ValueError, match="Expecting value"):
            garbage.json()
        await told(cut=1)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            await client.get("/prices/34")
        await told(slow=1, slow_seconds=30)
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/prices/34", timeout=httpx.Timeout(20, read=0.2))
        await told()
        assert (await client.get("/prices/34")).json() == good.json()
        seen = await counts(client)
    assert seen["misbehaved"] == {"error": 1, "garbage": 1, "cut": 1, "slow": 1}
    assert seen["served"] == 6


async def test_a_wrong_wish_is_refused_and_changes_nothing() -> None:
    async with service(misbehaviour=Misbehaviour(error=1)) as client:
        for wrong, why in (({"eror": 1}, "eror: Extra inputs"), ({"error": 2}, "error: Input should"), ([], "all:")):
            answer = await client.put("/misbehave", json=wrong)
            assert answer.status_code == 400
            assert why in answer.json()["error"]
        assert (await client.get("/prices/34")).status_code == 500


@pytest.mark.parametrize(("lie", "header"), [("zero", "0"), ("day", "86400"), ("past", None), ("nonsense", "soon")])
async def test_a_retry_after_may_lie(lie: Any, header: str | None) -> None:
    async with service(rate=1, misbehaviour=Misbehaviour(lie=1, lies=(lie,)), clock=Clock()) as client:
        await client.get("/prices/34")
        answer = await client.get("/prices/34")
        assert answer.status_code == 429
        if header is None:
            assert parsedate_to_datetime(answer.headers["Retry-After"]) < datetime.now(UTC)
        else:
            assert answer.headers["Retry-After"] == header
        await client.get("/prices/34")
        assert (await counts(client))["too_early"] == 0


async def test_the_command_prints_where_it_serves_and_ends_when_told_to() -> None:
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backfill.examples.service", "--rate", "1", "--error", "1",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert command.stdout
        url = (await asyncio.wait_for(command.stdout.readline(), 60)).decode().strip()
        assert url.startswith("http://127.0.0.1:")
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            assert (await client.get("/prices/34")).status_code == 500

            async def refused() -> bool:
                return (await client.get("/prices/34")).status_code == 429

            await eventually(refused, interval=0, what="two calls within a second")
        port = url.rpartition(":")[2]
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "backfill.examples.service", "--port", port,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await asyncio.wait_for(second.communicate(), 60)
        assert second.returncode == 2
        assert said.decode().startswith(f"error: cannot serve on port {port}: ")
        assert said.count(b"\n") == 1
    finally:
        command.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(command.communicate(), 60)
    assert (command.returncode, said) == (0, b"")

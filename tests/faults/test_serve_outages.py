"""A server whose services are away, and clients that take nothing: it answers in time, says why, and goes on."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import psutil
import pytest

from backfill.settings import Settings
from backfill.web.callers import Tokens
from backfill.web.ledger import SIZE, DatabaseAwayError, opened
from tests.support.operating import done, queued, until, working
from tests.support.proxy import proxied
from tests.support.serving import API, Served, body, serving, token
from tests.support.timing import timed
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

ANSWERED_SECONDS: Final = 5
STALLED: Final = 1_000
PATHS: Final = ("/jobs", "/jobs/latest", "/jobs/latest/partitions", "/backfills", "/workers", "/queues", "/dead")


async def timely(served: Served, path: str, status: int) -> dict[str, object]:
    """An answer within the time that was promised."""
    with timed() as timing:
        found: dict[str, object] = await served.get(path, status)
        assert timing.seconds < ANSWERED_SECONDS
    return found


@pytest.mark.parametrize("how", ["refused", "silent"])
@pytest.mark.parametrize("has_token", [False, True])
async def test_a_database_that_is_away_is_said_in_time(world: World, how: str, has_token: bool) -> None:
    await world.rows(10)
    job = await queued(world)
    made = await token(world) if has_token else None
    async with proxied(world.database) as (url, proxy), serving(world, token=made, DATABASE_URL=url) as served:
        await served.get("/jobs/latest")
        if how == "silent":
            proxy.freeze()
        else:
            proxy.shut()
        for path in PATHS:
            told = await timely(served, path, 503)
            assert told["service"] == "database", told
            assert told["exit_code"] == 5
            assert "PostgreSQL" in str(told["detail"])
        overview = await timely(served, "/overview", 200)
        assert "PostgreSQL" in overview["server"]["database"]  # type: ignore[index]
        assert body(await served.client.get("/healthz")) == {"status": "up"}
        assert (await served.client.get("/readyz")).json()["database"] == "down"
        assert "backfill_service_up" in (await served.client.get("/metrics")).text
        proxy.thaw()

        async def back() -> bool:
            return bool((await served.get("/jobs/latest"))["job"] == str(job))

        await eventually(back)
        assert "Traceback" not in served.command.output
    async with working(world):
        await until(world, "completed")
    await world.ends_well()


async def test_a_broker_that_is_away_keeps_nobody_from_looking(world: World) -> None:
    await world.rows(10)
    await queued(world)
    async with proxied(world.amqp) as (url, proxy), serving(world, RABBITMQ_URL=url) as served:

        async def up() -> bool:
            return bool((await served.get("/overview"))["server"]["broker"] == "up")

        await eventually(up)
        proxy.shut()

        async def down() -> bool:
            return "RabbitMQ" in (await served.get("/overview"))["server"]["broker"]

        await eventually(down)
        for path in ("/queues", "/dead"):
            told = await timely(served, path, 503)
            assert told["service"] == "broker", told
        for path in ("/jobs", "/jobs/latest", "/workers", "/backfills"):
            await timely(served, path, 200)
        assert (await served.client.get("/readyz")).json() == {"database": "up", "broker": "down"}
        proxy.thaw()
        await eventually(up)

        async def told_again() -> bool:  # that it was away is kept for a second
            answer = await served.client.get(f"{API}/queues")
            return answer.status_code == 200 and bool(answer.json()["items"])

        await eventually(told_again)
        assert "Traceback" not in served.command.output
    async with working(world):
        await until(world, "completed")
    await world.ends_well()


async def test_whoever_cannot_be_let_in_hears_so_at_once_with_everybody(world: World) -> None:
    async with proxied(world.database) as (url, proxy), opened(Settings(database_url=url)) as ledger:
        async with AsyncExitStack() as stack:  # so many links to be found silent, one after the other
            for _ in range(SIZE):
                await stack.enter_async_context(ledger.connection())
        proxy.freeze()
        known = Tokens(ledger)
        with timed() as timing:
            answers = await asyncio.gather(*(known.live() for _ in range(20)), return_exceptions=True)
            assert timing.seconds < ANSWERED_SECONDS
        assert [type(one) for one in answers] == [DatabaseAwayError] * 20
        proxy.thaw()
    await world.ends_well(states=())


async def test_a_broker_that_is_late_is_late_for_one_request(world: World) -> None:
    await world.rows(10)
    await queued(world)
    env = {"BACKFILL_HEARTBEAT": "60"}
    async with proxied(world.amqp) as (url, proxy), serving(world, RABBITMQ_URL=url, **env) as served:

        async def up() -> bool:
            return bool((await served.get("/overview"))["server"]["broker"] == "up")

        await eventually(up)
        for path in ("/queues", "/dead"):
            proxy.freeze()
            told = await timely(served, path, 503)
            assert told["service"] == "broker", told
            assert await up()
            proxy.thaw()

            async def answered(path: str = path) -> bool:
                return (await served.client.get(f"{API}{path}")).status_code == 200

            await eventually(answered)
        assert "Traceback" not in served.command.output
    async with working(world):
        await until(world, "completed")
    await world.ends_well()


async def test_a_management_api_that_is_silent_keeps_no_queue_back(world: World) -> None:
    await world.rows(10)
    await queued(world)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and says nothing
        url = f"http://u:p@127.0.0.1:{silent.getsockname()[1]}"
        async with serving(world, RABBITMQ_MANAGEMENT_URL=url) as served:

            async def told() -> bool:
                return (await served.client.get("/readyz")).status_code == 200

            await eventually(told)
            with timed() as timing:
                found = await served.get("/queues")
                assert timing.seconds < 4
            assert found["from"] == "amqp"
            assert "management" in found["error"]
            assert found["items"]
    async with working(world):
        await until(world, "completed")
    await world.ends_well()


async def test_without_a_database_no_server_begins(world: World) -> None:
    nowhere = world.spawn(
        "backfill-serve", "--port=0", env=world.env | {"DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:9/db"}
    )
    assert await nowhere.wait(30) == 5
    assert "cannot reach PostgreSQL" in nowhere.output
    assert "hunter2" not in nowhere.output
    await world.ends_well(states=())


@asynccontextmanager
async def stalled(served: Served, count: int) -> AsyncIterator[list[socket.socket]]:
    """So many clients that ask for streams and then take nothing of them."""
    parts = urlsplit(served.url)
    assert parts.hostname
    request = f"GET {API}/stream HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    loop, clients = asyncio.get_running_loop(), list[socket.socket]()
    try:
        for _ in range(count):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            one.setblocking(False)
            await loop.sock_connect(one, (parts.hostname, parts.port))
            await loop.sock_sendall(one, request)
            clients.append(one)
        yield clients
    finally:
        for one in clients:
            one.close()


async def test_a_thousand_clients_that_take_nothing_cost_little(world: World) -> None:
    await world.rows(400)
    job = await queued(world)
    async with serving(world) as served:
        await served.get("/jobs/latest")
        process = psutil.Process(served.command.pid)
        before = process.memory_info().rss
        async with stalled(served, STALLED + 5):  # whoever looks whether it is full may have been before one of them

            async def full() -> bool:
                async with served.client.stream("GET", f"{API}/stream") as answer:
                    return answer.status_code == 503

            await eventually(full, deadline=90)
            told = await served.get("/stream", 503)
            assert "1,000 streams" in told["detail"]
            async with working(world, 2):
                await until(world, "completed", deadline=60)
            queries = await world.value(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backfill-serve'"
            )
            assert queries <= 8
            await timely(served, f"/jobs/{job}", 200)
            assert process.memory_info().rss - before < 150 << 20
        await until(world, "completed")

        async def room() -> bool:
            async with served.client.stream("GET", f"{API}/stream") as answer:
                return answer.status_code == 200

        # They are gone, and so is what they had.
        await eventually(room, deadline=30)
        assert "Traceback" not in served.command.output
    await done(world, "status", str(job))
    await world.ends_well()

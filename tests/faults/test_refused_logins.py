"""A login or a permission that RabbitMQ refuses: at start an error, later borne for as long as a rotation takes."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from backfill.errors import RefusedError
from tests.support import broker
from tests.support.operating import working
from tests.support.proxy import proxied
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


@pytest.fixture
def login(world: World) -> Iterator[str]:
    """The URL of a user of this test's own."""
    with broker.new_user(world.amqp, world.env["RABBITMQ_MANAGEMENT_URL"]) as url:
        yield url


def change_password(world: World, url: str, password: str) -> None:
    broker.set_password(world.env["RABBITMQ_MANAGEMENT_URL"], urlsplit(url).username or "", password)


async def test_a_login_that_is_refused_for_a_while_is_said_and_waited_out(world: World, login: str) -> None:
    await world.rows(20)
    async with proxied(login) as (url, proxy):
        worker = world.worker(RABBITMQ_URL=url)
        await eventually(lambda: world.value("SELECT count(*) FROM backfill_workers"))
        await world.queue("--mode=all", "--batch-size=10", "--limit=10")
        await world.until_ended()
        change_password(world, login, "another")
        proxy.reset()
        await eventually(lambda: "refuses the login; correct RABBITMQ_URL. Trying again for 60 s." in worker.output)
        change_password(world, login, urlsplit(login).password or "")
        await world.queue("--mode=all", "--batch-size=10", "--after=10")
        await world.until_ended()
        await world.drain(worker)

    assert worker.output.count("refuses the login") <= 2  # by the intake, and by the reconciler
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.ends_well()


async def test_a_login_that_stays_refused_ends_the_worker(
    world: World, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backfill.workers.patience.REFUSED_SECONDS", 0.5)
    await world.rows(10)
    await world.queue("--mode=all")
    said: list[str] = []
    with pytest.raises(ExceptionGroup) as ended:  # noqa: PT012 - the worker ends the block
        async with proxied(login) as (url, proxy), working(world, say=said.append, RABBITMQ_URL=url):
            await world.until_ended()
            change_password(world, login, "another")
            proxy.reset()
            await eventually(lambda: False, what="the worker ends")
    assert ended.group_contains(RefusedError, match="refuses the login; correct RABBITMQ_URL")
    await world.ends_well()


@pytest.mark.parametrize("missing", ["configure", "read"])
async def test_a_permission_that_is_missing_at_start_is_a_sentence(world: World, missing: str) -> None:
    world.checked = True  # nothing is queued
    with broker.new_user(world.amqp, world.env["RABBITMQ_MANAGEMENT_URL"], **{missing: "^$"}) as url:
        worker = world.worker(RABBITMQ_URL=url)
        assert await worker.wait() == 5, worker.output
    assert "error: RabbitMQ does not permit it (ACCESS_REFUSED" in worker.output
    assert "Traceback" not in worker.output

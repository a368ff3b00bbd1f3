"""Of an address's hosts the next one is asked when one does not answer, and first where time ran out."""

import asyncio

import asyncpg
import pytest

from backfill.addresses import Address
from backfill.route import Route


def route() -> Route:
    return Route(Address("both"), is_shared=False, hosts=("one", "two"))


async def only_two(host: str) -> str:
    if host == "one":
        raise asyncpg.TargetServerAttributeNotMatched("it only reads")
    return host


async def test_the_host_that_was_taken_is_asked_first_from_then_on() -> None:
    found = route()
    assert await found.first(only_two) == "two"
    assert found.hosts == ("two", "one")


async def test_who_runs_out_of_time_begins_with_another_host() -> None:
    found = route()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await found.first(lambda _: asyncio.Event().wait())
    assert found.hosts == ("two", "one")


async def test_a_host_that_is_down_says_more_than_one_that_only_reads() -> None:
    async def none(host: str) -> str:
        raise ConnectionRefusedError if host == "two" else asyncpg.TargetServerAttributeNotMatched("it only reads")

    with pytest.raises(ConnectionRefusedError):
        await route().first(none)


async def test_a_refused_login_is_not_tried_elsewhere() -> None:
    async def refused(host: str) -> str:
        raise asyncpg.InvalidPasswordError(host)

    with pytest.raises(asyncpg.InvalidPasswordError, match="one"):
        await route().first(refused)

"""Connections that nobody waits for any more."""

import asyncio
import contextlib
import gc
from typing import Any

import pytest
from asyncpg import connect_utils

from backfill import connecting


async def test_a_connection_that_is_cancelled_leaves_no_error_behind() -> None:
    left: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: left.append(context))

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        url = f"postgresql://u:p@127.0.0.1:{server.sockets[0].getsockname()[1]}/d"
        for steps in range(20):  # one of them lies between the network's answer and the driver's next step
            opening = asyncio.create_task(connecting.connect(url, "test", "default", {}, 5))
            for _ in range(steps):
                await asyncio.sleep(0)
            opening.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await opening
    gc.collect()
    assert left == []


async def test_what_the_driver_leaves_behind_is_not_printed_and_everything_else_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(None)
    with contextlib.suppress(ConnectionError):
        await connecting.connect("postgresql://u:p@127.0.0.1:1/d", "test", "default", {}, 5)

    leftover = connect_utils.TLSUpgradeProto(loop, "127.0.0.1", 1, None, True)  # type: ignore[arg-type]
    leftover.connection_lost(None)
    del leftover
    gc.collect()
    assert caplog.text == ""

    ours = loop.create_future()
    ours.set_exception(ConnectionError("ours"))
    del ours
    gc.collect()
    assert "ConnectionError: ours" in caplog.text


async def test_no_statement_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver closes those that do with no limit in time: on a link that falls silent then, for ever."""
    asked: dict[str, Any] = {}

    async def connect(*_: object, **given: Any) -> None:
        asked.update(given)
        raise OSError

    monkeypatch.setattr("asyncpg.connect", connect)
    with contextlib.suppress(Exception):
        await connecting.connect("postgresql://u:p@127.0.0.1/d", "test", "default", {}, 5)
    assert asked["max_cached_statement_lifetime"] == 0

"""`bounded`: every way of losing the link has one face, and a cancellation stays one."""

import asyncio
import contextlib
from typing import Any

import aio_pika
import pytest
from aio_pika.exceptions import AMQPConnectionError, ChannelInvalidStateError

from backfill import broker, cancelling
from backfill.broker import BrokerLostError, bounded


class OtherError(Exception):
    """Nothing of the client's."""


@pytest.mark.parametrize(
    "error",
    [
        asyncio.CancelledError(),  # the client cancels pending calls of a link that is lost
        AMQPConnectionError("gone"),
        ChannelInvalidStateError("closed"),
        ConnectionResetError(),
        TimeoutError(),
        RuntimeError("writer is closed"),
        Exception(),  # the client rejects pending calls of a channel that closes
        BrokerLostError("already"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_lost_link_has_one_face(error: BaseException) -> None:
    with pytest.raises(BrokerLostError):
        async with bounded():
            raise error


async def test_a_call_that_takes_too_long_is_a_lost_link() -> None:
    with pytest.raises(BrokerLostError):
        async with bounded(0.01):
            await asyncio.Event().wait()


async def test_other_errors_pass() -> None:
    with pytest.raises(OtherError):
        async with bounded():
            raise OtherError


@pytest.mark.parametrize("error", [None, ChannelInvalidStateError("closed"), Exception()], ids=repr)
async def test_a_cancellation_is_not_hidden_by_an_error_on_the_way_out(error: Exception | None) -> None:
    async def call() -> None:
        async with bounded():
            try:
                await asyncio.Event().wait()
            finally:
                if error is not None:
                    raise error

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_the_client_keeps_to_itself_is_one_all_the_same() -> None:
    # As it does where a channel is being closed.
    async def call() -> None:
        async with bounded():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_within_a_cancelled_task_a_lost_link_is_still_a_lost_link() -> None:
    # Closing a link in a `finally` must not end in another error than the one it is about.
    async def call() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            try:
                async with bounded():
                    raise asyncio.CancelledError
            except BrokerLostError:
                return "lost"
        return "nothing"

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "lost"


async def test_a_link_that_does_not_answer_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        async def close(self, _: object) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()  # as the client's writer does, for bytes that nobody takes

    monkeypatch.setattr(broker, "CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(cancelling, "PATIENCE_SECONDS", 0.01)
    connection: Any = aio_pika.Connection("amqp://nowhere/")
    connection.transport = Silent()
    await broker.close(connection)
    assert connection.is_closed

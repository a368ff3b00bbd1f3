"""Calls to RabbitMQ: each bounded in time, each way of failing an ordinary error."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from backfill.cancelling import cancel_requests

CALL_SECONDS: Final = 10.0  # unless a call says otherwise

LOST: Final = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError, RuntimeError)


# The client logs every lost link with a traceback; what a loss means is said once, by whoever waits for the link.
for _client in ("aiormq", "aio_pika"):
    logging.getLogger(_client).addHandler(logging.NullHandler())


class BrokerLostError(ConnectionError):
    """The link to RabbitMQ broke, stalled or was refused while a call was under way; its effect is unknown."""


class NotTakenError(BrokerLostError):
    """RabbitMQ answers, and does not take the message: an alarm, a full queue, or no queue."""


@asynccontextmanager
async def bounded(seconds: float | None = None) -> AsyncIterator[None]:
    """Give a broker call a time limit, and every way of losing the link one face: BrokerLostError.

    The client raises a bare CancelledError out of a call when the heartbeat is lost, and an error of its own out of a
    call that is really cancelled, or none when that was to close a channel. The task's own count of cancel requests
    tells which of the two it was.
    """
    requests = cancel_requests()
    try:
        async with asyncio.timeout(CALL_SECONDS if seconds is None else seconds):
            yield
    except asyncio.CancelledError as error:
        if cancel_requests() == requests:
            raise BrokerLostError("the link to RabbitMQ was lost") from error
        raise
    except Exception as error:
        # A channel that closes under a call ends it with an Exception of no class of its own.
        if not isinstance(error, LOST) and type(error) is not Exception:
            raise
        if cancel_requests() > requests:
            raise asyncio.CancelledError from error
        if isinstance(error, BrokerLostError):
            raise
        raise BrokerLostError(_text(error)) from error
    else:
        if cancel_requests() > requests:
            raise asyncio.CancelledError


def _text(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or ("the channel was closed" if type(error) is Exception else type(error).__name__)

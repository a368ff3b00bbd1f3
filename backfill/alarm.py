"""Whether RabbitMQ blocks a link: while its memory or disk is short it stops reading from whoever publishes."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aio_pika.abc import AbstractConnection

EVERY_SECONDS: Final = 0.5
BLOCKED: Final = (
    "an alarm for memory or disk blocks whoever publishes; free some on the server (rabbitmqctl status shows which)"
)


class Alarm:
    """Watches one link at a time. The client tells nobody of a block; only its `ready()` waits until it is over."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._watching: asyncio.Task[None] | None = None
        self.is_on = False

    def watch(self, connection: AbstractConnection) -> None:
        """Watch this link from now on, until it is lost."""
        self.end()
        self._watching = asyncio.create_task(self._watch(connection.transport), name="alarm")
        connection.close_callbacks.add(self._on_lost)

    def _on_lost(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Watch no more."""
        self.is_on = False
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self, transport: Any) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                async with asyncio.timeout(EVERY_SECONDS):
                    await transport.ready()
            except TimeoutError:
                self.is_on = True
                self._say(f"RabbitMQ takes no messages: {BLOCKED}. Workers go on with what is queued.")
                await transport.ready()
                self.is_on = False
                self._say("RabbitMQ takes messages again.")

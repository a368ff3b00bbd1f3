"""Queues that answer nobody although RabbitMQ does: a quorum queue without a leader.

A node that is killed within the moment in which it makes a queue forgets on its disk whose member it was. The queue
then stands there, for ever without a leader: what is published to it is refused or never confirmed, nobody may consume
it, and asked for its state it is empty.
"""

import time
from collections.abc import Callable
from typing import Final

from backfill.broker import BrokerLostError, bounded, connected, inspect
from backfill.errors import UnreachableError
from backfill.nodes import addresses

STALLED_SECONDS: Final = 15.0  # after the first call that failed: an election takes less
DELETE_SECONDS: Final = 20.0


class Stalled:
    """Remembers since when which queue answers nobody."""

    def __init__(self, url: str, heartbeat: int, say: Callable[[str], None]) -> None:
        self._url = url
        self._heartbeat = heartbeat
        self._say = say
        self._since: dict[str, float] = {}

    def over(self, queue: str) -> None:
        """It answers."""
        self._since.pop(queue, None)

    async def mend(self, queue: str) -> None:
        """After a call about a work or delay queue failed: delete it when it alone has answered nobody for a while.

        It is to be declared anew then. What was in it were wake-ups, which the ledger has as well.
        """
        try:
            # A link of its own: the call that failed may have cost the other one.
            async with connected(self._url, name="backfill-mend", heartbeat=self._heartbeat) as connection:
                state = await inspect(connection, queue)
                if state is None or state.ready or state.consumers:  # a full queue refuses as well
                    self.over(queue)
                elif self._is_stalled(queue):
                    async with bounded(DELETE_SECONDS):
                        channel = await connection.channel()
                        await channel.queue_delete(queue, if_unused=False, if_empty=False)
                    self.over(queue)
                    self._say(f"Queue {queue} had no leader; it is made anew, and what was in it is sent again.")
        except (BrokerLostError, UnreachableError):  # then it is not the queue alone
            self.over(queue)

    def _is_stalled(self, queue: str) -> bool:
        # In a cluster too few nodes may be left for a majority; it has a leader again when they come back.
        first = self._since.setdefault(queue, time.monotonic())
        return time.monotonic() - first >= STALLED_SECONDS and len(addresses(self._url)) == 1

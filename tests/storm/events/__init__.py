"""What can happen, by the names that dice draws; each is given the storm and dice of its own."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from tests.storm import dice
from tests.storm.events import brokers, databases, hands, openings, operators, processes, tables
from tests.storm.storm import Storm

Event = Callable[[Storm, Random], Awaitable[None]]

EVENTS: Final[dict[str, Event]] = {
    name: event
    for module in (openings, processes, databases, brokers, operators, tables, hands)
    for name, event in vars(module).items()
    if name in dice.WEIGHTS or name in dice.OPENINGS
}

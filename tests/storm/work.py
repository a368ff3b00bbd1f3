"""How the records of a storm are worked on: in which form of function, of which of them, within which limit."""

from dataclasses import dataclass
from random import Random
from typing import Final

# The first seeds play what they always did.
FIRST: Final = 1_000
WAYS: Final = {"plain": 4, "many": 1, "threads": 1, "processes": 1, "async": 2, "async_many": 1, "keys": 3}
CALLING: Final = ("async", "async_many", "keys")
CALL_SIZE: Final = 7
WHERE: Final = "t.base % 7 <> 0"
# What is nobody's failure for a column is one for a key, whose own statements know no column that has gone.
NOT_FOR_KEYS: Final = frozenset({"drop_and_add_column"})


@dataclass(frozen=True)
class Work:
    """What a definition is beside its table and column.

    way          one of WAYS; with `keys` it is a PartitionBackfill, which updates a record a key
    has_where    only records that meet WHERE, which the application changes meanwhile
    priority     of the job
    rate         calls a second of all workers; None: no limit
    concurrency  calls under way at once
    refused      the share of calls that the service refuses
    """

    way: str = "plain"
    has_where: bool = False
    priority: str = "normal"
    rate: float | None = None
    concurrency: int | None = None
    refused: float = 0.0

    def __str__(self) -> str:
        limit = f", {self.rate:g} calls/s" if self.rate else ""
        limit += f", {self.concurrency} calls at once" if self.concurrency else ""
        return f"{self.way}{' where' if self.has_where else ''} {self.priority}{limit}"


def draw(seed: int, rows: int) -> Work:
    if seed < FIRST:
        return Work()
    dice = Random(seed + 2)
    way = dice.choices(list(WAYS), list(WAYS.values()))[0]
    has_where, priority = way != "keys" and dice.random() < 0.3, dice.choice(["normal", "normal", "low", "high"])
    if way not in CALLING:
        return Work(way, has_where, priority)
    calls = rows / CALL_SIZE if way == "async_many" else rows
    # Few are refused, as each of these halves the rate.
    seconds, refused = dice.choice([(None, 0.0), (None, 2 / calls), (5.0, 0.0), (5.0, 0.0), (1.5, 2 / calls)])
    return Work(
        way,
        has_where,
        priority,
        rate=max(1.0, round(calls / seconds, 1)) if seconds else None,
        concurrency=dice.choice([None, None, 2, 8]),
        refused=refused,
    )


def failpoint(work: Work, drawn: str) -> str:
    """Where a worker of keys passes, for the place that was drawn."""
    return drawn.replace("after_compute", "after_fetch") if work.way == "keys" else drawn

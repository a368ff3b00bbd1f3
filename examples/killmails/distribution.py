"""What made-up killmails look like: the shape of 83,458 real ones, as pure functions of a seed."""

import random
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple, TypeAlias

CAPSULE = 670  # what a pilot flies when the ship is gone: no items, and no price either
FIRST_TIME = datetime(2021, 11, 27, tzinfo=UTC)
TYPES, SHIPS, PRICED_OF_FOUR = 16_000, 250, 3

Quantiles: TypeAlias = tuple[tuple[float, int], ...]
# Quantiles as (share of killmails, items) and (share of lines, quantity); straight lines between.
ITEMS: Quantiles = ((0.27, 0), (0.27, 1), (0.35, 3), (0.42, 9), (0.5, 15), (0.65, 21), (0.8, 28), (0.9, 34), (0.95, 41))
ITEMS += ((0.99, 62), (0.999, 160), (1.0, 756))
QUANTITIES: Quantiles = ((0.6, 1), (0.75, 7), (0.9, 104), (0.95, 640), (0.99, 2500), (0.999, 15_500), (1.0, 250_000))


class Item(NamedTuple):
    """One line of killmail_items, in the order of its columns."""

    killmail_id: int
    item_type_id: int
    flag: int
    singleton: int
    quantity_dropped: int | None
    quantity_destroyed: int | None


class Killmail(NamedTuple):
    """One killmail with its lines; a few have lost their victim."""

    killmail_id: int
    killmail_time: datetime
    solar_system_id: int
    ship_type_id: int | None
    items: list[Item]


def killmails(count: int, *, seed: int = 1, first_id: int = 1) -> Iterator[Killmail]:
    """The killmails of this seed; a longer run begins with the shorter one."""
    rng = random.Random(seed)  # noqa: S311 (a seeded sequence is wanted)
    for number in range(count):
        killmail_id = first_id + number
        items = _items(rng, killmail_id)
        ship = rng.choice(_types()[-SHIPS:]) if items else CAPSULE
        yield Killmail(
            killmail_id,
            FIRST_TIME + timedelta(seconds=number * 8),
            30_000_001 + int(5_000 * rng.random() ** 2),  # some systems are far busier than others
            None if rng.random() < 0.001 else ship,
            items,
        )


def prices(*, seed: int = 1) -> Iterator[tuple[int, Decimal]]:
    """Type and price, log-normal; one type in four has none, and so have a quarter of the lines."""
    rng = random.Random(seed)  # noqa: S311 (a seeded sequence is wanted)
    for rank, type_id in enumerate(_types()):
        cents = round(100 * min(max(10 ** rng.gauss(4.8, 1.9), 0.01), 7e9))
        if rank % 4 < PRICED_OF_FOUR:
            yield type_id, Decimal(cents).scaleb(-2)


def _items(rng: random.Random, killmail_id: int) -> list[Item]:
    count = round(_quantile(ITEMS, rng.random()))
    lines = []
    types = rng.choices(_types(), cum_weights=_popularity(), k=count)
    for type_id, quantity in zip(types, rng.choices(_quantities(), k=count), strict=True):
        luck = rng.random()
        if luck < 0.0033:  # a blueprint copy
            flag, singleton, quantity = 5, 2, 1
        else:
            flag, singleton = 11 + int(luck * 24), 0
        if rng.random() < 0.45:
            lines.append(Item(killmail_id, type_id, flag, singleton, quantity, None))
        else:
            lines.append(Item(killmail_id, type_id, flag, singleton, None, quantity))
    return lines


def _quantile(points: Quantiles, share: float) -> float:
    right = bisect_left(points, share, key=lambda point: point[0])
    if right == 0:
        return points[0][1]
    (low, least), (high, most) = points[right - 1], points[right]
    return least + (most - least) * (share - low) / (high - low)


@cache
def _quantities() -> list[int]:
    return [round(_quantile(QUANTITIES, (step + 0.5) / 4096)) for step in range(4096)]


@cache
def _types() -> list[int]:
    # The same types for every seed, the most common first; the ids say nothing about the rank.
    return random.Random("types").sample(range(700, 60_000), TYPES)  # noqa: S311


@cache
def _popularity() -> list[float]:
    # The 200 most common types make 56 % of the lines, the first 1,000 make 89 %.
    return [1 - (1 + rank / 181) ** -1.2 for rank in range(1, TYPES + 1)]

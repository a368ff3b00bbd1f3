"""Made-up killmails have the shape of real ones, and the same seed makes the same ones."""

import itertools
import statistics
from collections.abc import Callable
from decimal import Decimal

import pytest

from backfill.examples.killmails import distribution
from backfill.examples.killmails.distribution import CAPSULE, Item, Killmail


@pytest.fixture(scope="module")
def killmails() -> list[Killmail]:
    return list(distribution.killmails(20_000, seed=7))


@pytest.fixture(scope="module")
def items(killmails: list[Killmail]) -> list[Item]:
    return [item for killmail in killmails for item in killmail.items]


@pytest.fixture(scope="module")
def prices() -> dict[int, Decimal]:
    return dict(distribution.prices(seed=7))


def test_items_of_a_killmail_are_as_many_as_in_real_ones(killmails: list[Killmail]) -> None:
    counts = sorted(len(killmail.items) for killmail in killmails)

    assert statistics.mean(counts) == pytest.approx(16.3, abs=0.6)
    assert statistics.median(counts) == pytest.approx(15, abs=1)
    assert counts[len(counts) * 95 // 100] == pytest.approx(41, abs=2)
    assert 300 < counts[-1] <= 756
    assert counts.count(0) / len(counts) == pytest.approx(0.27, abs=0.015)


def test_every_line_has_exactly_one_quantity(items: list[Item]) -> None:
    assert all((item.quantity_dropped is None) != (item.quantity_destroyed is None) for item in items)
    assert all((item.quantity_dropped or item.quantity_destroyed or 0) >= 1 for item in items)
    assert _share(items, lambda item: item.quantity_dropped is not None) == pytest.approx(0.45, abs=0.01)


def test_blueprint_copies_are_rare(items: list[Item]) -> None:
    assert {item.singleton for item in items} == {0, 2}
    assert _share(items, lambda item: item.singleton == 2) == pytest.approx(0.0033, abs=0.0006)


def test_a_quarter_of_the_lines_has_no_price(items: list[Item], prices: dict[int, Decimal]) -> None:
    assert _share(items, lambda item: item.item_type_id not in prices) == pytest.approx(0.25, abs=0.02)


def test_prices_have_two_decimals_and_spread_over_magnitudes(prices: dict[int, Decimal]) -> None:
    assert len(prices) == 12_000
    assert all(price.as_tuple().exponent == -2 for price in prices.values())
    assert Decimal("0.01") <= min(prices.values()) < 1 < 10**9 < max(prices.values()) <= 7 * 10**9
    assert Decimal(30_000) < statistics.median(prices.values()) < Decimal(130_000)


def test_a_few_killmails_have_no_victim_and_many_are_capsules(
    killmails: list[Killmail], prices: dict[int, Decimal]
) -> None:
    without = sum(killmail.ship_type_id is None for killmail in killmails)

    assert 5 <= without <= 45
    assert all(killmail.items or killmail.ship_type_id in (CAPSULE, None) for killmail in killmails)
    assert CAPSULE not in prices


def test_the_same_seed_makes_the_same_killmails_and_a_longer_run_begins_with_the_shorter() -> None:
    short = list(distribution.killmails(50, seed=3, first_id=9))

    assert list(itertools.islice(distribution.killmails(80, seed=3, first_id=9), 50)) == short
    assert [killmail.killmail_id for killmail in short] == list(range(9, 59))
    assert list(distribution.killmails(50, seed=4, first_id=9)) != short


def _share(items: list[Item], holds: Callable[[Item], bool]) -> float:
    return sum(map(holds, items)) / len(items)

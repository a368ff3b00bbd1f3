"""A contender's figure counts only when its values are right."""

from functools import cache

from backfill.examples.killmails import statements
from benchmarks import sql

COLUMNS = ("total_value", "destroyed_value", "dropped_value")
# The sum weighted by the key shows values that were given to the wrong killmail.
SUMS = ", ".join(("count(total_value)", *(f"sum({c})" for c in COLUMNS), "sum(total_value * (killmail_id % 1009))"))


def values_are_right(url: str, template_url: str, upto: int) -> None:
    """Compare the killmails up to an id with the example's independent computation on the untouched data."""
    found = sql.row(url, f"SELECT {SUMS} FROM killmails WHERE killmail_id <= $1", upto)
    assert tuple(found) == _expected(template_url, upto), f"wrong values: {tuple(found)}"


def people_are_right(url: str, template_url: str, upto: int) -> None:
    """Hold each row of people against what the single UPDATE writes."""
    del template_url, upto
    _none_differ(url, "differing_people")


def order_lines_are_right(url: str, template_url: str, upto: int) -> None:
    """Hold each row of order_lines against what the single UPDATE would write."""
    del template_url, upto
    _none_differ(url, "differing_order_lines")


def _none_differ(url: str, statement: str) -> None:
    differing = sql.row(url, sql.read(statement))["differing"]
    assert not differing, f"rows that do not hold what the UPDATE writes: {differing}"


@cache
def _expected(template_url: str, upto: int) -> tuple[object, ...]:
    expected = statements.read("expected")
    return tuple(sql.row(template_url, f"SELECT {SUMS} FROM ({expected}) e WHERE killmail_id <= $1", upto))
